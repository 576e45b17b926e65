-- A diag recording, schema version 3: all that was seen of some runs, in one SQLite file.
--
-- application_id is 0x64696167 ("diag"), user_version is the schema's version.
-- Every column that ends in _ns is nanoseconds on CLOCK_MONOTONIC of the machine it was made on, or a
-- duration; one clock for all processes. Columns said to be JSON hold one JSON text. "JSON frames" is an
-- array of frame_id, innermost first. A version is never changed in place: what changes is a new version.
-- Version 2 added the tables stream and counter; version 3 resource_limit, incident, and the column meta.preset.

-- What holds for the whole recording: one row.
CREATE TABLE meta (
    schema_version INTEGER NOT NULL,  -- the same number as user_version
    diag_version TEXT NOT NULL,       -- the diag that wrote it
    argv TEXT NOT NULL,               -- JSON array: the command that was typed
    target TEXT NOT NULL,             -- the target as typed
    target_kind TEXT NOT NULL,        -- workload, app, script or comparison
    roots TEXT NOT NULL,              -- JSON array: folders whose files are the user's own code
    created_utc TEXT NOT NULL,        -- ISO 8601
    seed INTEGER NOT NULL,            -- of all random choices
    threshold_ns INTEGER NOT NULL,    -- a step longer than this is a block
    machine TEXT NOT NULL,            -- JSON object: python, implementation, platform, cores, memory_bytes
    finished INTEGER NOT NULL,        -- 1 once complete; 0 for ever if the writer was killed
    expectation TEXT NOT NULL,        -- ground truth of the workload as JSON, '' if none was given
    preset TEXT NOT NULL              -- JSON object: name and scale of a published comparison that was run again, or ''
);

-- Text of the user's files that stacks name, as it was when they ran.
CREATE TABLE source (
    path TEXT PRIMARY KEY,            -- as frames name it
    text TEXT NOT NULL
);

-- One cell (framework, server, strategy, workload, load) executed once.
CREATE TABLE run (
    run_id INTEGER PRIMARY KEY,       -- from 1, in the order they were made
    label TEXT NOT NULL,              -- how reports call the cell
    target TEXT NOT NULL,
    framework TEXT NOT NULL,          -- '' for a script
    server TEXT NOT NULL,             -- '' for a script
    loop TEXT NOT NULL,               -- asyncio, uvloop, gevent, or '' without a loop
    strategy TEXT NOT NULL,           -- '' for an app or a script
    workload TEXT NOT NULL,
    workers INTEGER NOT NULL,         -- server processes asked for
    threads INTEGER NOT NULL,         -- threads a process asked for, 0 where it has none of its own
    load TEXT NOT NULL,               -- the load in words
    trial INTEGER NOT NULL,
    status TEXT NOT NULL,             -- running, done, failed or interrupted
    started_ns INTEGER NOT NULL,
    ended_ns INTEGER NOT NULL,        -- 0 while running, and for ever if the writer was killed
    load_started_ns INTEGER NOT NULL, -- 0 without a load
    load_ended_ns INTEGER NOT NULL,
    failure TEXT NOT NULL,            -- why it failed, '' if it did not
    load_summary TEXT,                -- JSON: wall_ns, cpu_ns, lag_p99_ns, reconnects, generator_bound, spun_ns, runqueue_ns
    routes TEXT NOT NULL,             -- JSON array: the routes that were driven
    unmeasured TEXT NOT NULL,         -- JSON array of {route, reason}
    degradations TEXT NOT NULL,       -- JSON array of {slug, text}: what was measured less well, and why
    errors TEXT NOT NULL              -- JSON array: exceptions of the target's own, as text
);

-- A thread of the target whose time is shared by requests: an event loop's or a sync worker's.
CREATE TABLE lane (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,         -- unique within its run
    pid INTEGER NOT NULL,
    tid INTEGER NOT NULL,             -- kernel thread id
    kind TEXT NOT NULL,               -- asyncio, uvloop, gevent or worker-thread
    capacity INTEGER NOT NULL         -- lanes of its process that serve together, 0 if unbounded
);

-- Sums over all steps of a lane, short ones included.
CREATE TABLE lane_totals (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,
    steps INTEGER NOT NULL,           -- how many were timed
    busy_ns INTEGER NOT NULL,         -- the time that the lane was not polling
    iterations INTEGER NOT NULL,      -- passes of the loop, 0 for a worker's thread
    dropped INTEGER NOT NULL          -- steps of 1 ms or longer that could not be written down
);

-- One callback (or one sync worker's request) that held its lane for 1 ms or longer.
CREATE TABLE step (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,
    iteration INTEGER NOT NULL,       -- the loop's pass between two polls; same number: back to back
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    cpu_ns INTEGER,                   -- CPU time of its thread meanwhile, NULL where unreadable
    run_queue_ns INTEGER,             -- time runnable but not running meanwhile, NULL where unreadable
    gap_ns INTEGER NOT NULL,          -- how far before start_ns the reading lies that both start from
    request_key INTEGER NOT NULL,     -- when its request began in the application, 0 if none or not known
    label TEXT NOT NULL,              -- the coroutine or callback
    task TEXT NOT NULL,               -- the task's name, '' if it was not a task's step
    waiters TEXT NOT NULL,            -- JSON array of {request_key, label, since_ns, exact, port}: ready at its end
    port INTEGER NOT NULL             -- the client's port of the request it worked for, 0 if none
);

-- One line of code that some stack names; each is stored once.
CREATE TABLE frame (
    frame_id INTEGER PRIMARY KEY,
    path TEXT NOT NULL,               -- the source file as the interpreter names it
    line INTEGER NOT NULL,            -- from 1, 0 if unknown
    function TEXT NOT NULL            -- the code object's name
);

-- A stack of a lane's thread, taken during a long step.
CREATE TABLE stack (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,
    sent_ns INTEGER NOT NULL,         -- when it was asked for
    seen_ns INTEGER NOT NULL,         -- when it had been taken for certain
    source TEXT NOT NULL,             -- signal or py-spy
    frames TEXT NOT NULL,             -- JSON frames
    active INTEGER,                   -- py-spy's word on whether it was on a CPU, NULL if not asked
    owns_gil INTEGER,                 -- whether it held the GIL, NULL if not asked
    gil_owner TEXT NOT NULL           -- JSON frames of the thread that held the GIL instead, [] if none
);

-- What a lane's thread was doing at one moment of a long step, as the kernel saw it.
CREATE TABLE state (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,
    at_ns INTEGER NOT NULL,
    state TEXT NOT NULL,              -- running, waiting or gil-wait
    cpu_ns INTEGER,                   -- CPU time of the thread so far
    run_queue_ns INTEGER              -- run-queue time of the thread so far
);

-- One garbage collection of 0.8 ms or longer: all threads of its process waited for it.
CREATE TABLE gc_pause (
    run_id INTEGER NOT NULL REFERENCES run,
    pid INTEGER NOT NULL,
    tid INTEGER NOT NULL,             -- kernel thread id of the thread that it ran in
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    generation INTEGER NOT NULL       -- that was collected, 2 for all
);

-- One request as the load generator saw it.
CREATE TABLE request (
    run_id INTEGER NOT NULL REFERENCES run,
    stream TEXT NOT NULL,             -- the load stream it belongs to
    route TEXT NOT NULL,              -- such as GET /items/{id}
    port INTEGER NOT NULL,            -- the client's port; with the times it joins request to served
    intended_ns INTEGER NOT NULL,     -- when it should have been sent: latency counts from here
    sent_ns INTEGER NOT NULL,
    first_byte_ns INTEGER NOT NULL,   -- 0 without an answer
    done_ns INTEGER NOT NULL,
    status INTEGER NOT NULL,          -- HTTP status, or a negative error code of the generator
    body_bytes INTEGER NOT NULL
);

-- One request as the target saw it, from the application's first line to its last. On an event loop only
-- those that began right behind a block, for only these can have waited.
CREATE TABLE served (
    run_id INTEGER NOT NULL REFERENCES run,
    pid INTEGER NOT NULL,
    tid INTEGER NOT NULL,             -- the kernel thread that served it, 0 on an event loop
    port INTEGER NOT NULL,            -- the client's port
    start_ns INTEGER NOT NULL,        -- its key within the process
    end_ns INTEGER NOT NULL           -- 0 where it was not seen
);

-- A known block, planted to see whether blocks are found in this run.
CREATE TABLE canary (
    run_id INTEGER NOT NULL REFERENCES run,
    lane_id INTEGER NOT NULL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    path TEXT NOT NULL,
    line INTEGER NOT NULL
);

-- CPU time and memory of the target's process tree at one moment.
CREATE TABLE process_sample (
    run_id INTEGER NOT NULL REFERENCES run,
    at_ns INTEGER NOT NULL,
    cpu_ns INTEGER NOT NULL,          -- user and system so far, processes that ended included
    rss_bytes INTEGER NOT NULL,
    processes INTEGER NOT NULL        -- alive
);

-- One stream of requests summed up, whichever program sent them. A comparison of fast servers has these and no
-- request of its own for each.
CREATE TABLE stream (
    run_id INTEGER NOT NULL REFERENCES run,
    stream TEXT NOT NULL,             -- its name; warm-up is left out of every figure
    generator TEXT NOT NULL,          -- diag, or the installed tool that sent it
    wall_ns INTEGER NOT NULL,         -- from the first request to the last answer
    answered INTEGER NOT NULL,        -- with a status below 500
    failed INTEGER NOT NULL,          -- 500 or above, or no answer
    timeouts INTEGER NOT NULL,        -- those of failed that were given up
    body_bytes INTEGER NOT NULL,
    min_ns INTEGER NOT NULL,          -- of the latencies, as the next three
    mean_ns INTEGER NOT NULL,
    sd_ns INTEGER NOT NULL,
    max_ns INTEGER NOT NULL,
    within_sd INTEGER NOT NULL,       -- answers within one standard deviation of the mean
    percentiles TEXT NOT NULL,        -- JSON array of {percent, ns}
    connect_p50_ns INTEGER NOT NULL,  -- 0 where connections are kept
    connect_p99_ns INTEGER NOT NULL,
    connect_max_ns INTEGER NOT NULL
);

-- By how much a counter of the kernel rose during the load.
CREATE TABLE counter (
    run_id INTEGER NOT NULL REFERENCES run,
    name TEXT NOT NULL,               -- listen_overflows, listen_drops, retransmits, minor_faults ...
    amount INTEGER NOT NULL           -- events, or nanoseconds for a name that ends in _ns
);

-- A limit that was in force for the target's processes, as a container would impose it.
CREATE TABLE resource_limit (
    run_id INTEGER NOT NULL REFERENCES run,
    resource TEXT NOT NULL,           -- cpu or memory
    amount INTEGER NOT NULL,          -- thousandths of a core, or bytes
    mechanism TEXT NOT NULL,          -- cgroup v2, cgroup v1, affinity or rlimit
    cannot TEXT NOT NULL,             -- what it cannot do that a container does, '' if it does it all
    peak_bytes INTEGER NOT NULL,      -- most memory that they had together, 0 where it is not counted
    killed INTEGER NOT NULL,          -- processes that the kernel killed for memory
    held_back_ns INTEGER NOT NULL     -- how long the limit kept them from running
);

-- Something that the target's server did and should not have done.
CREATE TABLE incident (
    run_id INTEGER NOT NULL REFERENCES run,
    kind TEXT NOT NULL,               -- out-of-memory, died, lost-workers, ignored-stop, left-processes, refused
    text TEXT NOT NULL,               -- a full sentence with its figures
    count INTEGER NOT NULL            -- processes, or connections
);

-- That a run tried a remedy against a culprit, or the original beside it; such runs have the same arrivals.
CREATE TABLE attempt (
    run_id INTEGER NOT NULL REFERENCES run,
    culprit INTEGER NOT NULL,         -- number of the culprit, from 1
    remedy TEXT NOT NULL              -- the remedy's id, '' for the original
);

-- What a route answered when it was asked alone, before the load.
CREATE TABLE answer (
    run_id INTEGER NOT NULL REFERENCES run,
    route TEXT NOT NULL,
    number INTEGER NOT NULL,          -- its first answer, its second, from 1
    status INTEGER NOT NULL,          -- HTTP status, 0 if there was none
    content_type TEXT NOT NULL,
    sha256 TEXT NOT NULL,             -- of the body
    excerpt TEXT NOT NULL             -- the beginning of the body
);

-- What the target's processes sent each other through multiprocessing, in all.
CREATE TABLE pickling (
    run_id INTEGER NOT NULL REFERENCES run,
    messages INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    ns INTEGER NOT NULL               -- that pickling them took
);

-- What was proposed against the culprits of the first run.
CREATE TABLE proposed (
    culprit INTEGER NOT NULL,         -- its number, from 1
    kind TEXT NOT NULL,               -- remedy, refusal, or not-tried
    value TEXT NOT NULL,              -- JSON of the remedy or refusal; a sentence on what was not tried
    predicted_ns INTEGER NOT NULL     -- the victims' p99 predicted before it was tried, 0 if none was
);
