/** A test of the usual suites that shows what a row asks for. */
export interface Proof {
  readonly file: string
  /** What its full name contains. */
  readonly name: string
}

/** One fault that the service must survive. Its schedules are those that are named after it, a letter may follow. */
export interface MatrixRow {
  readonly id: string
  readonly fault: string
  readonly proofs?: readonly Proof[]
  /** What nothing shows yet, and why. */
  readonly open?: string
}

const inDb = (file: string, name: string): Proof => ({ file: `test/integration/db/${file}.test.ts`, name })
const inQueue = (file: string, name: string): Proof => ({ file: `test/integration/queue/${file}.test.ts`, name })
const inStorage = (file: string, name: string): Proof => ({ file: `test/integration/storage/${file}.test.ts`, name })
const inLlm = (name: string): Proof => ({ file: 'test/integration/llm/gigachat.client.test.ts', name })
const inE2e = (file: string, name: string): Proof => ({ file: `test/e2e/${file}.test.ts`, name })
const inSimulation = (name: string): Proof => ({ file: 'test/simulation/outage.simulation.test.ts', name })
const inLibs = (file: string, name: string): Proof => ({ file: `libs/${file}.test.ts`, name })

const KAFKA: readonly MatrixRow[] = [
  {
    id: 'K1',
    fault: 'Kafka is away at start',
    proofs: [
      inE2e('start', 'waits for Kafka, alive and not ready, and works when it comes'),
      inQueue('broker-faults', 'starts without a broker, says that it is not ready'),
    ],
  },
  { id: 'K2', fault: 'connections are reset' },
  { id: 'K3', fault: 'a black hole' },
  { id: 'K4', fault: 'half-open connections' },
  { id: 'K5', fault: 'a slow network' },
  { id: 'K6', fault: 'the broker is killed or restarted' },
  { id: 'K7', fault: 'Kafka is away for long' },
  { id: 'K8', fault: 'another broker leads', open: 'the local stack has one broker' },
  {
    id: 'K9',
    fault: 'the coordinator of the group goes',
    proofs: [inQueue('broker-faults', 'loses nothing and goes on when the broker is killed')],
    open: 'only with the one broker of the local stack, which is the coordinator; not its move to another broker',
  },
  { id: 'K10', fault: 'members come and go' },
  { id: 'K11', fault: 'partitions move while calls run' },
  { id: 'K12', fault: 'calls longer than the session' },
  {
    id: 'K13',
    fault: 'a SASL password is rotated, or wrong',
    proofs: [
      inQueue('secured-broker', 'goes on without a restart when its password was rotated'),
      inQueue('secured-broker', 'says that its password is wrong, does not try in a tight loop'),
    ],
  },
  {
    id: 'K14',
    fault: 'a certificate of another authority, or expired',
    proofs: [
      inQueue('secured-broker', 'refuses a broker that another authority has signed'),
      inQueue('secured-broker', 'refuses a certificate that has expired'),
    ],
  },
  {
    id: 'K15',
    fault: 'the right to write results is taken away',
    proofs: [inQueue('secured-broker', 'keeps results for later while it may not write to their topic')],
  },
  {
    id: 'K16',
    fault: 'a topic is missing',
    proofs: [inQueue('intake', 'names a topic that is missing, and takes it up when it is there')],
  },
  { id: 'K17', fault: 'nobody knows whether results were taken' },
  {
    id: 'K18',
    fault: 'a result is too large for its topic',
    proofs: [inQueue('publisher', 'names a message that is too large for its topic, and publishes the others')],
  },
  {
    id: 'K19',
    fault: 'records are gone, or the topic is made anew',
    proofs: [
      inQueue('intake', 'goes on with what is left, says loudly what it has missed'),
      inQueue('intake', 'reads a topic that is made anew under it from its beginning'),
    ],
  },
  { id: 'K20', fault: 'retention is about to pass unread tasks', open: 'no alert on the age of the oldest unread record yet' },
  { id: 'K21', fault: 'half-open connections with nothing to read' },
  {
    id: 'K22',
    fault: 'nobody handles what comes',
    proofs: [
      { file: 'test/architecture/missing-handler.test.ts', name: 'refuses to start' },
      inE2e('bad-input', 'becomes a dead letter with unknown_task_type'),
    ],
  },
]

const POSTGRES: readonly MatrixRow[] = [
  { id: 'P1', fault: 'PostgreSQL is away', proofs: [inE2e('start', 'waits for PostgreSQL, alive and not ready')] },
  {
    id: 'P2',
    fault: 'connections break, before and after a commit',
    proofs: [
      inDb('recovery', 'finds a claim that PostgreSQL commits only after the first look'),
      inDb('finish', 'tells that a task has finished when PostgreSQL did it and its answer was lost'),
    ],
  },
  { id: 'P3', fault: 'half-open connections', proofs: [inDb('connection', 'loses one query and is well again')] },
  { id: 'P4', fault: 'slow statements' },
  { id: 'P5', fault: 'a failover leaves a copy that only reads', proofs: [inDb('health', 'is down while PostgreSQL only reads')] },
  { id: 'P6', fault: 'too many connections' },
  { id: 'P7', fault: 'the disk is full' },
  { id: 'P8', fault: 'deadlocks' },
  { id: 'P9', fault: 'the password is rotated', proofs: [inDb('connection', 'connects with the password that is valid by then')] },
  {
    id: 'P10',
    fault: 'the schema is older or newer',
    proofs: [inDb('schema', 'names what an empty database lacks'), inDb('schema', 'is content with a schema that is newer')],
  },
  { id: 'P11', fault: 'two replicas migrate at once', proofs: [inDb('schema', 'is done by one of two replicas that start together')] },
  { id: 'P12', fault: 'somebody locks the queue' },
  { id: 'P13', fault: 'a replica lags behind in the console', open: 'nothing reads from replicas' },
  {
    id: 'P14',
    fault: 'a transaction is left open',
    proofs: [inDb('connection', 'ends what a frozen replica has left open')],
  },
  { id: 'P15', fault: 'a pooler in transaction mode', open: 'PgBouncer is not part of the local stack' },
]

const STORAGE: readonly MatrixRow[] = [
  { id: 'O1', fault: 'S3 is away' },
  {
    id: 'O2',
    fault: 'S3 accepts and never answers',
    proofs: [inStorage('storage-outage', 'notices a half-open connection within its limit')],
  },
  { id: 'O3', fault: 'S3 asks for fewer requests', proofs: [inLibs('storage/src/minio-file-store', 'waits as long as a 503 asks for')] },
  { id: 'O4', fault: 'S3 is full' },
  {
    id: 'O5',
    fault: 'the answer to a put is lost',
    proofs: [inStorage('storage-outage', 'finds the object when only the answer to its put was lost')],
  },
  {
    id: 'O6',
    fault: 'a read is cut short',
    proofs: [inLibs('storage/src/s3/read-body', 'does not pass on less than was announced')],
  },
  {
    id: 'O7',
    fault: 'the keys are rotated',
    proofs: [inLibs('storage/src/storage.module', 'is read again when the server refuses the keys')],
  },
  {
    id: 'O8',
    fault: 'the bucket or a right is missing',
    proofs: [
      inStorage('minio-file-store', 'names a bucket that is missing and may not be made'),
      inLibs('storage/src/storage.module', 'names the right that is missing'),
    ],
  },
  {
    id: 'O9',
    fault: 'the clocks differ by more than 15 minutes',
    proofs: [
      inStorage('minio-file-store', 'says "clock" when the clocks differ too much'),
      inLibs('storage/src/s3/s3-response.error', 'takes a 403 without a body for the clocks'),
    ],
  },
  {
    id: 'O10',
    fault: 'a hostile key',
    proofs: [inStorage('minio-file-store', 'takes a key that MinIO does not accept as a file that is not there')],
  },
  {
    id: 'O11',
    fault: 'an answer lies in S3, and its run did not end',
    proofs: [
      inLibs('tasks/src/answers/orphan.sweeper', 'removes the objects of runs that have failed'),
      inDb('unused-answers', 'lists runs that failed in time with a large answer that their results do not name'),
      inStorage('minio-file-store', 'removes an answer, and says whether there was one'),
    ],
  },
  {
    id: 'O12',
    fault: 'a versioned or locked bucket',
    proofs: [inStorage('minio-file-store', 'works on buckets of other kinds')],
  },
]

const PROVIDER: readonly MatrixRow[] = [
  {
    id: 'L1',
    fault: 'the provider is away',
    proofs: [
      inE2e('provider-errors', 'waits while the provider cannot be reached'),
      inE2e('admission', 'does so while nobody listens, and spends no attempt'),
    ],
  },
  { id: 'L2', fault: 'stalls and broken connections', proofs: [inE2e('provider-errors', 'calls no more than once more')] },
  { id: 'L3', fault: '429', proofs: [inE2e('provider-errors', 'waits as long as Retry-After says')] },
  { id: 'L4', fault: 'a token has expired', proofs: [inLlm('gets one new token for all calls whose token has expired')] },
  { id: 'L5', fault: 'no tokens to be had', proofs: [inLlm('sends nothing without a token')] },
  {
    id: 'L6',
    fault: 'no balance, no such model',
    proofs: [
      inLlm('says refused for {"kind":"error","status":402}'),
      inLlm('says refused for {"kind":"error","status":404}'),
      inE2e('admission', 'parks the tasks of a model that is not paid for'),
    ],
  },
  { id: 'L7', fault: 'a bad prompt', proofs: [inE2e('provider-errors', 'fails at once where trying again cannot help')] },
  {
    id: 'L8',
    fault: '500, 503, a page of HTML',
    proofs: [inE2e('admission', 'sends one probe at a time while a model answers with errors of its own')],
  },
  {
    id: 'L9',
    fault: 'a wrong body',
    proofs: [inE2e('provider-errors', 'does not call again for an answer that is not what was asked for')],
  },
  { id: 'L10', fault: 'small pieces' },
  { id: 'L11', fault: 'a bomb', proofs: [inLlm('says answer_too_large for {"kind":"gzip"')] },
  { id: 'L12', fault: "another request's answer", proofs: [inLlm('does not take the answer to another request')] },
  {
    id: 'L13',
    fault: 'a call that may have been paid for',
    proofs: [inE2e('provider-errors', 'calls once more when an answer was lost, and lists the first call as maybe paid')],
  },
  {
    id: 'L14',
    fault: 'a certificate of another authority',
    proofs: [{ file: 'test/integration/simulator/tls.contract.test.ts', name: 'is trusted only by those who know its authority' }],
  },
  { id: 'L15', fault: 'one slow model', proofs: [inE2e('admission', 'does not let a slow model keep a fast one waiting')] },
  {
    id: 'L16',
    fault: '429 for hours',
    proofs: [inE2e('provider-errors', 'waits at 429 without spending attempts'), inSimulation('the provider’s limit is reached')],
    open: 'hours only in simulated time',
  },
]

const PROCESS: readonly MatrixRow[] = [
  { id: 'A1', fault: 'killed, at random and before and after each step' },
  { id: 'A2', fault: 'stopped in order' },
  { id: 'A3', fault: 'stopped twice', proofs: [inE2e('stop', 'aborts its calls at a second signal')] },
  {
    id: 'A4',
    fault: 'frozen',
    proofs: [inE2e('replicas', 'refuses what a frozen replica wants to change, and keeps its late answer')],
  },
  { id: 'A5', fault: 'out of memory' },
  { id: 'A6', fault: 'the event loop stands still' },
  { id: 'A7', fault: 'the clock jumps' },
  { id: 'A8', fault: 'an error that nobody handles' },
  {
    id: 'A9',
    fault: 'nobody reads the log',
    proofs: [
      inLibs('logging/src/log-stream', 'drops and counts lines above its bound while the reader is slow'),
      inLibs('logging/src/log-stream', 'drops everything after its reader has gone'),
    ],
  },
  { id: 'A10', fault: 'nobody takes traces', open: 'no exporter of traces is built; metrics are fetched' },
  { id: 'A11', fault: 'no file descriptors' },
  {
    id: 'A12',
    fault: 'a root that only reads',
    open: 'the chart asks for it; no cluster runs it here',
  },
  { id: 'A13', fault: 'wrong settings', proofs: [inE2e('start', 'exits with 78 and names every wrong or missing setting at once')] },
  { id: 'A14', fault: 'two versions at once', open: 'there is one version' },
  { id: 'A15', fault: 'names that do not resolve', open: 'only by the table of errors' },
  {
    id: 'A16',
    fault: 'a secret file is replaced',
    proofs: [
      inDb('connection', 'connects with the password that is valid by then'),
      inQueue('secured-broker', 'goes on without a restart when its password was rotated'),
      inLibs('storage/src/storage.module', 'is read again when the server refuses the keys'),
    ],
    open: 'keys of GigaChat and the CA bundles are read at start only',
  },
]

const MESSAGES: readonly MatrixRow[] = [
  { id: 'Q1', fault: 'records that are no tasks' },
  { id: 'Q2', fault: 'records against the schema' },
  { id: 'Q3', fault: 'a task that kills its worker', proofs: [inE2e('replicas', 'lets a task go that killed its worker again and again')] },
  { id: 'Q4', fault: 'too large or too deep' },
  {
    id: 'Q5',
    fault: 'the same task again',
    proofs: [inE2e('repeats', 'publishes nothing twice when Kafka delivers the same records again')],
  },
  { id: 'Q6', fault: 'the same id, another task', proofs: [inE2e('bad-input', 'rejects an id that comes again with another value')] },
  { id: 'Q7', fault: 'too late' },
  { id: 'Q8', fault: 'strange Unicode' },
  {
    id: 'Q9',
    fault: 'hostile files',
    proofs: [inStorage('minio-file-store', 'refuses what is too large, not there, not text, or not for tasks')],
  },
  {
    id: 'Q10',
    fault: 'one tenant crowds out another',
    proofs: [inE2e('admission', 'lets the few tasks of a quiet tenant start soon beside the many of a busy one')],
  },
  { id: 'Q11', fault: 'instructions in data', open: 'the service grants the model no tools; there is no set of canaries' },
  { id: 'Q12', fault: 'hostile headers' },
]

export const FAULT_MATRIX: readonly MatrixRow[] = [...KAFKA, ...POSTGRES, ...STORAGE, ...PROVIDER, ...PROCESS, ...MESSAGES]
