#include "channel.h"

#include <org_rbdwrapper_ipc_codec/ioRequest.h>
#include <org_rbdwrapper_ipc_codec/ioResponse.h>
#include <org_rbdwrapper_ipc_codec/messageHeader.h>

#include "futex.h"
#include "rbdw_protocol.h"
#include "session.h"
#include "spare_cores.h"

#define SPIN_SHORT_NS 20000
#define SPIN_LEAST_NS 1000
#define SPIN_LONG_NS 1500000
#define SPIN_TRY_EVERY 64
#define SPIN_LOOKS 32               /* between two looks at the clock */
#define SPIN_INTERRUPTED_NS 1000000 /* between two looks at the clock: somebody else ran here */
#define SPIN_AVERAGED 8             /* waits; at least one of so many is measured */

void channel_init(struct channel *channel, char *bytes, const struct segment_geometry *geometry,
                  bool may_spin)
{
    *channel = (struct channel) {
        .control = (struct channel_control *) bytes,
        .responses = (struct response_record *) (bytes + segment_response_ring_offset(geometry)),
        .arena = bytes + segment_arena_offset(geometry),
        .mask = segment_ring_records(geometry) - 1,
        .depth = geometry->depth,
        .arena_length = geometry->arena_length,
        .spin = {.is_wanted = may_spin, .short_ns = SPIN_SHORT_NS, .measure_every = 1},
    };
    channel_split(channel, 0, false);
}

void channel_split(struct channel *channel, uint64_t length, bool is_write)
{
    uint32_t arena = channel->arena_length;
    uint32_t pieces = 1;
    if (length > arena) {
        pieces = 2;
    } else if (!is_write) {
        pieces = length > arena / 2 ? 2 : CHANNEL_MAX_PIECES;
    }
    pieces = pieces < channel->depth ? pieces : channel->depth;
    if (channel->pieces != pieces) {
        channel->pieces = pieces;
        channel->piece_length = arena / pieces;
    }
}

int channel_free_piece(const struct channel *channel)
{
    for (uint32_t i = 0; i < channel->pieces; i++) {
        if (!channel->piece[i].in_flight) {
            return (int) i;
        }
    }
    return -1;
}

static struct ring_trailer *request_trailer(const struct channel *channel)
{
    return (struct ring_trailer *) &channel->control->requests[channel->mask + 1];
}

static struct ring_trailer *response_trailer(const struct channel *channel)
{
    return (struct ring_trailer *) &channel->responses[channel->mask + 1];
}

static struct request_record *request_record(const struct channel *channel, uint64_t number)
{
    return &channel->control->requests[number & channel->mask];
}

/* So many responses are taken; the head is for tools. */
static void set_responses_taken(struct channel *channel, uint64_t taken)
{
    int64_t head = (int64_t) (taken * sizeof(struct response_record));
    atomic_store_explicit(&channel->responses_taken, taken, memory_order_relaxed);
    atomic_store_explicit(&response_trailer(channel)->head, head, memory_order_relaxed);
}

static void clear_header(struct request_record *record)
{
    atomic_store_explicit(&record->length, 0, memory_order_relaxed);
    record->type = 0;
}

uint64_t channel_publish(struct channel *channel, uint32_t tag, uint32_t arena_offset,
                         const struct io_request *request)
{
    uint64_t number = channel->requests_made;
    uint64_t correlation_id = number << 16 | tag;
    struct request_record *record = request_record(channel, number);
    struct SBE(messageHeader) header;
    struct SBE(ioRequest) body;
    record->type = SBE(ioRequest_sbe_template_id)();
    SBE(messageHeader_wrap)(&header, record->message, 0, 0, sizeof record->message);
    SBE(messageHeader_set_blockLength)(&header, SBE(ioRequest_sbe_block_length)());
    SBE(messageHeader_set_templateId)(&header, SBE(ioRequest_sbe_template_id)());
    SBE(messageHeader_set_schemaId)(&header, SBE(ioRequest_sbe_schema_id)());
    SBE(messageHeader_set_version)(&header, SBE(ioRequest_sbe_schema_version)());
    SBE(ioRequest_wrap_for_encode)(&body, record->body, 0, sizeof record->body);
    SBE(ioRequest_set_correlationId)(&body, correlation_id);
    SBE(ioRequest_set_position)(&body, request->position);
    SBE(ioRequest_set_length)(&body, request->length);
    SBE(ioRequest_set_handle)(&body, request->handle);
    SBE(ioRequest_set_arenaOffset)(&body, arena_offset);
    SBE(ioRequest_set_op)(&body, (enum SBE(ioOp)) request->op);
    SBE(ioRequest_set_begin)(&body, request->begin);
    int64_t tail = (int64_t) ((number + 1) * sizeof *record);
    atomic_store_explicit(&request_trailer(channel)->tail, tail, memory_order_relaxed);
    /* channel_recover tells from the record whether we came so far */
    atomic_store_explicit(&record->length, sizeof *record, memory_order_release);
    atomic_signal_fence(memory_order_seq_cst);
    channel->requests_made = number + 1;
    /* before the next one is published, and now, while nobody waits for the cache line to come from the broker's core */
    clear_header(request_record(channel, number + 2));
    return correlation_id;
}

bool channel_recover(struct channel *channel)
{
    uint64_t made = channel->requests_made;
    if (atomic_load_explicit(&request_record(channel, made)->length, memory_order_acquire) > 0) {
        channel->requests_made = ++made;
    }
    clear_header(request_record(channel, made + 1));
    /* a broker that is wrong may have answered more than was asked */
    for (uint64_t number = channel_responses_taken(channel); number < made; number++) {
        if (!channel_has_come(channel, number)) {
            return false;
        }
    }
    set_responses_taken(channel, made);
    for (uint32_t i = 0; i < CHANNEL_MAX_PIECES; i++) {
        channel->piece[i].in_flight = false;
    }
    atomic_store_explicit(&channel->control->client_waiting, 0, memory_order_relaxed);
    return true;
}

void channel_submit(struct channel *channel, int index, uint64_t offset, uint32_t piece_length,
                    const struct io_request *request)
{
    struct piece *piece = &channel->piece[index];
    piece->offset = offset;
    piece->length = piece_length;
    piece->in_flight = true;
    piece->correlation_id = channel_publish(
        channel, (uint32_t) index, (uint32_t) index * channel->piece_length, request);
}

static struct response_record *next_response(const struct channel *channel)
{
    return &channel->responses[channel_responses_taken(channel) & channel->mask];
}

bool channel_has_response(const struct channel *channel)
{
    return atomic_load_explicit(&next_response(channel)->length, memory_order_acquire) > 0;
}

uint64_t channel_take(struct channel *channel, int64_t *result)
{
    const struct response_record *record = next_response(channel);
    struct SBE(ioResponse) body;
    /* the broker may write into it meanwhile only if it is wrong, and then what it answers is checked like this */
    bool is_response = atomic_load_explicit(&record->length, memory_order_relaxed) == sizeof *record
                       && record->type == SBE(ioResponse_sbe_template_id)();
    SBE(ioResponse_wrap_for_decode)(&body, (char *) record->body, 0, sizeof record->body,
                                    SBE(ioResponse_sbe_schema_version)(), sizeof record->body);
    uint64_t correlation_id = SBE(ioResponse_correlationId)(&body);
    *result = SBE(ioResponse_result)(&body);
    set_responses_taken(channel, channel_responses_taken(channel) + 1);
    return is_response ? correlation_id : CHANNEL_NO_RESPONSE;
}

int channel_take_response(struct channel *channel, int64_t *result)
{
    uint64_t correlation_id = channel_take(channel, result);
    uint32_t index = correlation_id & SEGMENT_TAG_MASK;
    if (index >= channel->pieces || !channel->piece[index].in_flight
        || channel->piece[index].correlation_id != correlation_id) {
        return -1;
    }
    channel->piece[index].in_flight = false;
    return (int) index;
}

int channel_lose_first(struct channel *channel)
{
    int first = -1;
    for (uint32_t i = 0; i < channel->pieces; i++) {
        const struct piece *piece = &channel->piece[i];
        if (piece->in_flight
            && (first < 0 || piece->correlation_id < channel->piece[first].correlation_id)) {
            first = (int) i;
        }
    }
    if (first >= 0) {
        channel->piece[first].in_flight = false;
    }
    return first;
}

static void pause_cpu(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t short_look(struct spin *spin)
{
    if (spin->short_ns < SPIN_LEAST_NS) {
        return ++spin->since_try % SPIN_TRY_EVERY == 0 ? SPIN_SHORT_NS : 0;
    }
    return spin->short_ns;
}

static int64_t long_look(const struct channel *channel, int64_t now_ns)
{
    const struct spin *spin = &channel->spin;
    bool looks = spin->expected_ns > spin->short_ns && spin->expected_ns <= SPIN_LONG_NS
                 && atomic_load_explicit(&channel->control->crowd, memory_order_relaxed) == 0
                 && spare_cores_left(now_ns);
    return looks ? 2 * spin->expected_ns : 0;
}

bool channel_spin(struct channel *channel, uint64_t number, int64_t began_ns, bool one_at_a_time,
                  int64_t deadline_ns)
{
    struct spin *spin = &channel->spin;
    if (!spin->is_wanted) {
        return false;
    }
    int64_t for_ns = short_look(spin);
    int64_t longer_ns = one_at_a_time ? long_look(channel, began_ns) : 0;
    int64_t end = began_ns + (for_ns > longer_ns ? for_ns : longer_ns);
    int64_t now = began_ns;
    if (end > deadline_ns) {
        end = deadline_ns;
    }
    while (now < end) {
        for (int i = 0; i < SPIN_LOOKS; i++) {
            if (channel_has_come(channel, number)) {
                return true;
            }
            pause_cpu();
        }
        int64_t before = now;
        now = futex_now_ns();
        if (now - before > SPIN_INTERRUPTED_NS) {
            spare_cores_interrupted(now);
            return false;
        }
    }
    return false;
}

void channel_learn(struct channel *channel, int64_t began_ns, bool is_seen)
{
    struct spin *spin = &channel->spin;
    int64_t waits = 1; /* that this one stands for */
    if (is_seen) {
        waits = ++spin->unmeasured;
        if (waits < spin->measure_every) {
            return;
        }
    }
    spin->unmeasured = 0;
    int64_t took = futex_now_ns() - began_ns;
    if (is_seen && took <= SPIN_SHORT_NS) {
        int64_t wanted = 2 * (spin->short_ns > took ? spin->short_ns : took);
        spin->short_ns = wanted < SPIN_SHORT_NS ? wanted : SPIN_SHORT_NS;
        spin->measure_every =
            spin->measure_every < SPIN_AVERAGED ? 2 * spin->measure_every : SPIN_AVERAGED;
    } else {
        spin->short_ns /= 2;
        spin->measure_every = 1;
        waits = 1; /* one that was held up says nothing of those before it */
    }
    if (took > 4 * SPIN_LONG_NS) {
        took = 4 * SPIN_LONG_NS; /* one that was held up says little of the next */
    }
    spin->expected_ns += (took - spin->expected_ns) * waits / SPIN_AVERAGED;
}

/* False where the broker is gone. */
static bool sleep_for_response(struct channel *channel, struct session *session)
{
    /*   client: clientWaiting = 1    | fence | look at the ring | if it is empty: sleep
     *   broker: publish the response | fence | read clientWaiting | if 1: swap to 0, and wake
     * Whichever fence comes first, either the client sees the response or the broker the flag. */
    _Atomic uint32_t *waiting = &channel->control->client_waiting;
    while (true) {
        atomic_store_explicit(waiting, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        bool is_dead = session_is_known_dead(session);
        if (channel_has_response(channel) || is_dead) {
            atomic_store_explicit(waiting, 0, memory_order_relaxed);
            return channel_has_response(channel);
        }
        if (!futex_wait(waiting, 1, FUTEX_LOOK_NS, FUTEX_SHARED)) {
            session_is_alive(session);
        }
    }
}

bool channel_await_recovery(struct channel *channel, struct session *session)
{
    _Atomic uint32_t *waiting = &channel->control->client_waiting;
    session_ring_doorbell(session); /* whoever left it may not have come so far */
    while (true) {
        atomic_store_explicit(waiting, 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        if (channel_recover(channel)) {
            return true;
        }
        if (session_is_known_dead(session)) {
            return false;
        }
        if (!futex_wait(waiting, 1, FUTEX_LOOK_NS, FUTEX_SHARED)) {
            session_is_alive(session);
        }
    }
}

bool channel_await_response(struct channel *channel, struct session *session)
{
    if (channel_has_response(channel)) {
        return true;
    }
    int64_t began_ns = futex_now_ns();
    bool is_seen = channel_spin(channel, channel_responses_taken(channel), began_ns, true, INT64_MAX);
    bool has_come = is_seen || sleep_for_response(channel, session);
    channel_learn(channel, began_ns, is_seen);
    return has_come;
}
