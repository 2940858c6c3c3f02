/* Requests on the broker's socket, and their answers: any number at a time. An answer carries the number of
 * its request, and may overtake others.
 *
 *     send:   take a frame | enter the call in the list | write the frame
 *     await:  nobody reads the socket? then read it, one frame after the other, and give each to its call,
 *             until one's own has come; the next in line goes on
 *             somebody does? sleep until something has changed
 *
 * The caller is in a stretch of held.h from control_call_begin to control_call_end, and so is nowhere else
 * than here: a call's memory is looked at by other threads. Functions return 0 or an error with its text. */

#ifndef RBDW_CONTROL_CALL_H
#define RBDW_CONTROL_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "control.h"
#include "frame.h"

/* A stretch of held.h begins, whatever is returned; a frame to write the request in. */
int control_call_begin(struct control *control, struct control_call *call);

/* body_length: of the message's block and var data. descriptor: travels with it, or -1. */
int control_call_send(struct control *control, struct control_call *call, uint16_t template_id,
                      uint16_t block_length, uint64_t body_length, int descriptor);

/* Of one that was sent. Then the answer stands in the frame: it is of this template, whose block is at least
 * so long; what the broker refuses is an error. */
int control_call_await(struct control *control, struct control_call *call, uint16_t template_id,
                       uint16_t block_length);

/* Whatever became of it, but for one that was sent and has no answer yet. Closes the descriptors that came
 * along and that the caller has not taken (set them to -1). */
void control_call_end(struct control *control, struct control_call *call);

/* What is in this frame is no such message, or is the broker's refusal. */
int control_call_check(struct control *control, struct frame *frame, uint16_t template_id,
                       uint16_t block_length);

/* The broker is not understood: all calls fail. */
void control_break(struct control *control, int error);

#endif
