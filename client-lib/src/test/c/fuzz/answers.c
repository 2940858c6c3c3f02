/* What a broker writes into the shared segment: answers to nothing, with any result, at any time, twice or
 * never, and any other byte of it; and brokers that end and come again.
 *
 * Everything runs on one thread: the broker has its turn whenever the client rings, looks or sleeps. Of the
 * client's own files those are here that read the segment (io, channel, queue); what finds and ends sessions
 * is below.
 *
 * Input: u8 what the program does (below), u8 the segment's shape, then the program's numbers, then the
 * broker's turns. */

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include <org_rbdwrapper_ipc_codec/ioOp.h>
#include <org_rbdwrapper_ipc_codec/ioRequest.h>
#include <org_rbdwrapper_ipc_codec/ioResponse.h>

#include "error.h"
#include "file.h"
#include "futex.h"
#include "io.h"
#include "queue.h"
#include "queue_state.h"
#include "rbdw_protocol.h"
#include "spare_cores.h"
#include "succession.h"

#include "fuzz.h"

#define MAX_LENGTH (300 * 1024)
#define MAX_SESSIONS 4
#define MAX_TURNS 4096
#define MAX_REQUESTS 4

static struct input broker;
static struct segment_geometry geometry;
static struct session *current;
static char *memory;  /* of the current one's segment, for as long as it lives */
static uint64_t taken; /* requests that the broker has seen */
static uint64_t given; /* responses that it has written in order */
static unsigned sessions_made;
static unsigned turns;
static bool scribbled; /* over the current segment: its requests may be other ones by now */
static int64_t clock_ns;
static bool is_late;

/* The broker's turn. */

static struct channel_control *channel_of_broker(void)
{
    return (struct channel_control *) (memory + segment_channel_offset(&geometry, 0));
}

static struct response_record *response(uint64_t number)
{
    char *ring = (char *) channel_of_broker() + segment_response_ring_offset(&geometry);
    return (struct response_record *) ring + number % segment_ring_records(&geometry);
}

static void respond(int32_t length, int32_t type, uint64_t correlation_id, int64_t result)
{
    struct response_record *record = response(given);
    memcpy(record->body, &correlation_id, 8);
    memcpy(record->body + 8, &result, 8);
    record->type = type;
    atomic_store(&record->length, length);
}

/* As a broker that keeps to the protocol. */
static void respond_in_order(uint64_t correlation_id, int64_t result)
{
    atomic_store(&response(given + geometry.depth)->length, 0);
    respond(sizeof(struct response_record), SBE(ioResponse_sbe_template_id)(), correlation_id, result);
    given++;
}

/* The request that comes next, if one is there. */
static bool answer_next(bool wholly, int64_t result)
{
    struct request_record *entry = &channel_of_broker()->requests[taken % segment_ring_records(&geometry)];
    struct SBE(ioRequest) request;
    int32_t length_of_record = atomic_load(&entry->length);
    if (length_of_record <= 0) {
        return false;
    }
    REQUIRE(scribbled
            || (length_of_record == sizeof *entry && entry->type == SBE(ioRequest_sbe_template_id)()));
    taken++;
    SBE(ioRequest_wrap_for_decode)(&request, entry->body, 0, sizeof entry->body,
                                   SBE(ioRequest_sbe_schema_version)(), sizeof entry->body);
    int64_t length = SBE(ioRequest_length)(&request);
    REQUIRE(scribbled || SBE(ioRequest_arenaOffset)(&request) <= geometry.arena_length);
    enum SBE(ioOp) op = SBE(ioOp_READ);
    SBE(ioRequest_op)(&request, &op);
    if (op == SBE(ioOp_READ) || op == SBE(ioOp_WRITE)) {
        REQUIRE(scribbled
                || (length >= 0
                    && length <= (int64_t) geometry.arena_length
                                     - (int64_t) SBE(ioRequest_arenaOffset)(&request)));
    }
    respond_in_order(SBE(ioRequest_correlationId)(&request), wholly ? length : result);
    return true;
}

/* Over a field of a record's header, or of a trailer: where a write to anywhere would seldom come. */
static void scribble_on_ring(void)
{
    static const size_t trailer_fields[] = {
        offsetof(struct ring_trailer, tail), offsetof(struct ring_trailer, head_cache),
        offsetof(struct ring_trailer, head), offsetof(struct ring_trailer, correlation),
        offsetof(struct ring_trailer, heartbeat)};
    unsigned what = input_u8(&broker);
    bool is_request_ring = (what & 1) != 0;
    unsigned field = what / 2 % 8;
    char *ring = is_request_ring ? (char *) channel_of_broker()->requests : (char *) response(0);
    size_t record = is_request_ring ? sizeof(struct request_record) : sizeof(struct response_record);
    size_t records = segment_ring_records(&geometry);
    if (field < 5) {
        uint64_t value = input_number(&broker, 8);
        memcpy(ring + records * record + trailer_fields[field], &value, sizeof value);
    } else { /* the length, the type, or the beginning of the SBE header */
        size_t number = input_number(&broker, 2) % records;
        uint32_t value = (uint32_t) input_number(&broker, 4);
        memcpy(ring + number * record + (field - 5) * sizeof value, &value, sizeof value);
    }
    scribbled = true;
}

static void act(void)
{
    uint64_t bytes = segment_length(&geometry);
    if (current == NULL || atomic_load(&current->dead)) {
        return;
    }
    if (broker.left == 0 || ++turns > MAX_TURNS) {
        atomic_store(&current->dead, true);
        return;
    }
    for (bool again = true; again && broker.left > 0;) {
        switch (input_u8(&broker) % 9) {
        case 0: /* enough for this turn */
            again = false;
            break;
        case 1:
        case 2:
            for (uint32_t i = 0; i < geometry.depth && answer_next(true, 0); i++) {
            }
            break;
        case 3:
            answer_next(false, (int64_t) input_number(&broker, 8));
            break;
        case 4: { /* to something */
            uint64_t id = input_number(&broker, 3);
            respond_in_order(id, (int64_t) input_number(&broker, 8));
            break;
        }
        case 5: { /* anywhere */
            uint64_t at = input_number(&broker, 4) % (bytes - 8);
            uint64_t value = input_number(&broker, 8);
            memcpy(memory + at, &value, sizeof value);
            scribbled = true;
            break;
        }
        case 6: { /* what is no response, or one before its time, or not the next */
            int32_t length = (int8_t) input_u8(&broker);
            int32_t type = (int8_t) input_u8(&broker);
            respond(length, type, input_number(&broker, 3), (int64_t) input_number(&broker, 8));
            given += (length & 1) != 0;
            break;
        }
        case 7:
            scribble_on_ring();
            break;
        default:
            atomic_store(&current->dead, true);
            again = false;
        }
    }
}

/* What the client calls. */

static _Atomic uint32_t process_number; /* no fork is here */
_Atomic uint32_t *fork_process_number = &process_number;

void session_ring_doorbell(struct session *session)
{
    REQUIRE(session == current);
    act();
}

bool session_is_alive(struct session *session)
{
    act();
    return !atomic_load(&session->dead);
}

bool futex_wait(_Atomic uint32_t *word, uint32_t value, int64_t timeout_ns, int scope)
{
    (void) word;
    (void) value;
    (void) timeout_ns;
    (void) scope;
    act();
    return false;
}

void futex_wake(_Atomic uint32_t *word, int count, int scope)
{
    (void) word;
    (void) count;
    (void) scope;
}

int64_t futex_now_ns(void)
{
    return clock_ns += 300000000; /* so that nobody sleeps */
}

bool spare_cores_left(int64_t now_ns)
{
    (void) now_ns;
    return true;
}

void spare_cores_interrupted(int64_t now_ns)
{
    (void) now_ns;
}

void session_lock(void)
{
}

void session_unlock(void)
{
}

void session_begin_following(struct taken_mark *mark)
{
    (void) mark;
}

void session_end_following(void)
{
}

void session_wake_all(struct session *session)
{
    (void) session;
}

void session_begin_request(struct session *session)
{
    atomic_fetch_add(&session->requests, 1);
}

void session_end_request(struct session *session)
{
    atomic_fetch_sub(&session->requests, 1);
}

void session_after_control(struct session *session)
{
    (void) session;
}

int session_gone(void)
{
    return error_set(ENOTCONN, "the broker is gone");
}

int session_make(const struct session_wish *wish, struct session_key before,
                 struct session **session)
{
    (void) before;
    REQUIRE(wish->channels == 1);
    if (sessions_made >= MAX_SESSIONS || broker.left == 0) {
        return error_set(ECONNREFUSED, "no broker");
    }
    sessions_made++;
    struct session *made = aligned_alloc(64, sizeof *made + sizeof(struct channel));
    REQUIRE(made != NULL);
    memset(made, 0, sizeof *made + sizeof(struct channel));
    memory = calloc(1, segment_length(&geometry));
    REQUIRE(memory != NULL);
    made->segment = (struct segment_header *) memory;
    made->is_late = is_late;
    made->key = (struct session_key) {1, sessions_made};
    channel_init(&made->channel[0], memory + segment_channel_offset(&geometry, 0), &geometry, true);
    taken = 0;
    scribbled = false;
    given = 0;
    current = made;
    *session = made;
    return 0;
}

void session_release(struct session *session)
{
    if (session->references > 1) {
        session->references--;
        return;
    }
    if (session == current) {
        current = NULL;
    }
    free(session->segment);
    free(session);
}

struct attempts succession_first_attempt(void)
{
    return (struct attempts) {0, 0};
}

bool succession_try_again(struct attempts *attempts, int error)
{
    (void) attempts;
    (void) error;
    return broker.left > 0 && sessions_made < MAX_SESSIONS;
}

bool session_is_nested(uint32_t own_channels)
{
    (void) own_channels;
    return false;
}

void succession_end_for(struct session_key key)
{
    REQUIRE(key.generation != 0);
}

void succession_others_return(void)
{
}

int control_open_again(struct control *control, const struct open_source *source,
                       const struct image_id *id, uint32_t *handle)
{
    (void) control;
    (void) source;
    (void) id;
    *handle = 7;
    return 0;
}

int control_close(struct control *control, uint32_t handle)
{
    (void) control;
    (void) handle;
    return 0;
}

int control_send_replay_done(struct control *control)
{
    (void) control;
    return 0;
}

int control_await_replay_done(struct control *control)
{
    (void) control;
    return 0;
}

/* The program. */

static int op_of(unsigned number)
{
    static const int ops[] = {SBE(ioOp_READ), SBE(ioOp_WRITE), SBE(ioOp_FLUSH), SBE(ioOp_DISCARD),
                              SBE(ioOp_WRITE_ZEROES), SBE(ioOp_READ), SBE(ioOp_WRITE), SBE(ioOp_READ)};
    return ops[number % 8];
}

static uint64_t length_of(struct input *input)
{
    return input_number(input, 3) % MAX_LENGTH;
}

static void make_one(void)
{
    struct session_wish wish = {1, (uint16_t) geometry.depth, geometry.arena_length, 0};
    struct session *session;
    if (session_make(&wish, (struct session_key) {0, 0}, &session) < 0) {
        current = NULL;
    }
}

/* As the threads of a program do, one operation after the other. */
static void run_operations(struct input *numbers)
{
    make_one();
    for (unsigned n = 0; n < MAX_REQUESTS && current != NULL; n++) {
        struct operation operation = {.op = op_of(input_u8(numbers)), .handle = 1};
        bool is_transfer = operation.op == SBE(ioOp_READ) || operation.op == SBE(ioOp_WRITE);
        operation.length = length_of(numbers) + (is_transfer ? 1 : 0);
        char *buffer = malloc(operation.length + 1);
        REQUIRE(buffer != NULL);
        memset(buffer, 'p', operation.length);
        operation.read_into = buffer + 1; /* the last byte is the buffer's last */
        operation.write_from = buffer + 1;
        io_begin(&operation);
        bool again = false;
        int error;
        while ((error = io_run(current, &current->channel[0], &operation, again)) == -ENOTCONN) {
            REQUIRE(operation.in_flight == 0);
            session_release(current);
            make_one();
            if (current == NULL) {
                io_fail_again(&operation, ENOTCONN);
                break;
            }
            again = true;
            if (operation.again_count == 0) {
                again = false;
            }
        }
        if (error == 0 && !io_is_done(&operation)) {
            error = io_run(current, &current->channel[0], &operation, false);
        }
        if (error == 0) {
            REQUIRE(io_is_done(&operation));
            int64_t result = io_result(&operation, "/rbdw/img0");
            REQUIRE(result >= -4095);
            REQUIRE(!is_transfer || result <= (int64_t) operation.length);
        }
        free(buffer);
        if (error < 0 && current != NULL) { /* the session is dead, and nobody uses it again */
            session_release(current);
            make_one();
        }
    }
    if (current != NULL) {
        session_release(current);
    }
}

struct job {
    struct queue_request request;
    struct iovec vector[2];
    bool is_done;
};

static void check_job(struct queue_request *request)
{
    struct job *job = (struct job *) request;
    bool is_transfer = request->op == SBE(ioOp_READ) || request->op == SBE(ioOp_WRITE);
    REQUIRE(!job->is_done && request->in_flight == 0);
    job->is_done = true;
    REQUIRE(request->result >= -4095);
    REQUIRE(!is_transfer || request->result <= (int64_t) request->length);
}

static void reap_all(struct queue *queue)
{
    struct queue_request *request;
    while ((request = queue_reap(queue)) != NULL) {
        check_job(request);
    }
}

/* Asynchronous I/O: several at a time. */
static void run_queue(struct input *numbers)
{
    struct job jobs[MAX_REQUESTS] = {0};
    struct queue *queue;
    static const struct rbdw_file file = {.path = "/rbdw/img0", .source = {.access_mode = O_RDWR}};
    struct queue_opening opening;
    if (queue_create(geometry.depth, &queue) < 0) {
        return;
    }
    int error = queue_open_begin(queue, &file, &opening);
    if (error == 0) {
        error = queue_open_ask(&file, &opening);
        error = queue_open_end(queue, &opening, error);
    }
    bool is_open = error == 0;
    REQUIRE(is_open || atomic_load(&current->dead));
    for (unsigned i = 0; i < MAX_REQUESTS && is_open; i++) {
        struct job *job = &jobs[i];
        job->request.op = op_of(input_u8(numbers));
        job->request.handle = opening.handle;
        job->request.position = (int64_t) i << 20;
        job->request.length = length_of(numbers);
        size_t first = job->request.length / 3;
        size_t second = job->request.length - first;
        job->vector[0] = (struct iovec) {malloc(first > 0 ? first : 1), first};
        job->vector[1] = (struct iovec) {malloc(second > 0 ? second : 1), second};
        REQUIRE(job->vector[0].iov_base != NULL && job->vector[1].iov_base != NULL);
        memset(job->vector[0].iov_base, 'a', first);
        memset(job->vector[1].iov_base, 'b', second);
        job->request.vector = job->vector;
        queue_add(queue, &job->request);
        queue_start(queue);
    }
    for (unsigned i = 0; i < MAX_TURNS && queue_length(queue) > 0; i++) {
        reap_all(queue);
        act();
    }
    if (queue_length(queue) > 0) { /* the last broker goes */
        broker.left = 0;
        act();
        queue_start(queue);
        reap_all(queue);
    }
    REQUIRE(queue_length(queue) == 0);
    for (unsigned i = 0; i < MAX_REQUESTS && is_open; i++) {
        REQUIRE(jobs[i].is_done);
        free(jobs[i].vector[0].iov_base);
        free(jobs[i].vector[1].iov_base);
    }
    queue_destroy(queue);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t depths[] = {4, 8, 16, 256};
    struct input input = {data, size};
    unsigned what = input_u8(&input);
    unsigned shape = input_u8(&input);
    const uint8_t *bytes;
    size_t length = input_take(&input, MAX_REQUESTS * 4, &bytes);
    struct input numbers = {bytes, length};
    geometry = (struct segment_geometry) {1, depths[shape % 4],
                                          SEGMENT_MIN_ARENA_LENGTH << (shape / 4) % 2};
    broker = input;
    sessions_made = 0;
    turns = 0;
    clock_ns = 0;
    current = NULL;
    is_late = (what & 2) != 0;
    if ((what & 1) != 0) {
        run_queue(&numbers);
    } else {
        run_operations(&numbers);
    }
    return 0;
}
