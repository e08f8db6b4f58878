/** What only a person can say of a setting. Names, values and defaults come from the schemas of the libraries. */
export interface SettingDescription {
  readonly does: string
  /** It is mounted as a file and stands in no ConfigMap. */
  readonly secret?: true
  /** A PEM text, which one mounts as a file and names as `X_FILE`. */
  readonly pem?: true
  /** Where the default is computed, and the schema holds none or that of this machine. */
  readonly defaultIs?: string
}

export interface SettingGroup {
  readonly title: string
  readonly settings: Readonly<Record<string, SettingDescription>>
}

/** Said once, at the first of them. */
const SCHEDULE_RULE =
  'Milliseconds before the second, third, ... try in a row, the last one repeats; a task waits between half of its step and all of it, or as long as the provider asks. See [deferral.md](deferral.md).'
const FOLDER_RULE = 'Taken from the working directory.'

/** In the order of the page. */
export const SETTING_GROUPS: readonly SettingGroup[] = [
  {
    title: 'Service',
    settings: {
      SLUICE_PROFILE: {
        does: 'How careful the service is: `dev` listens on this machine only and migrates its database by itself; `prod` refuses providers whose certificates are not checked.',
      },
      HTTP_HOST: { does: 'Where health and metrics are served.', defaultIs: '`127.0.0.1` in `dev`, else `0.0.0.0`' },
      HTTP_PORT: { does: 'Port of `/health/live`, `/health/ready`, `/health/startup` and `/metrics`; 0 takes a free one.' },
      ADMIN_PORT: {
        does: 'Port for operators ([operations.md](operations.md#the-admin-port)): details, log levels, profiles. Not served unless it is set.',
      },
      ADMIN_HOST: { does: 'Where the admin port is served.', defaultIs: '`127.0.0.1` in `dev`, else `0.0.0.0`' },
      ADMIN_TOKEN: { does: 'What operators send as `Authorization: Bearer ...`. Without it the admin port lets nobody in.', secret: true },
      ADMIN_HEAP_TOKEN: { does: 'Good for heap snapshots alone, which hold prompts and secrets. Without it there are none.', secret: true },
      LOG_LEVEL: { does: 'The least level that is logged.' },
      LOG_FORMAT: { does: '`pretty` is for people at a terminal and needs the package `pino-pretty`, which is not in the image.' },
      LOG_DATABASE: { does: 'Whether log lines go to PostgreSQL too ([logging.md](logging.md)).' },
      LOG_DATABASE_URL: { does: 'Where they go; the table makes itself there.', defaultIs: '`DATABASE_URL`', secret: true },
      LOG_DATABASE_LEVEL: { does: 'The least level that goes there.' },
      LOG_DATABASE_BUFFER_BYTES: { does: 'Lines that may wait for PostgreSQL, in memory. What does not fit is lost and counted.' },
      LOG_DATABASE_RETENTION_DAYS: { does: 'How long lines are kept there.' },
      LOG_FILE: {
        does: 'A file for log lines, which is put aside when it is full or old. For installations without anything that collects stdout.',
      },
      LOG_FILE_MAX_BYTES: { does: 'Size of one file.' },
      LOG_FILE_MAX_AGE_DAYS: { does: 'Age of one file; it is put aside at midnight (UTC).' },
      LOG_FILE_TOTAL_BYTES: { does: 'Size of all files that were put aside; the oldest ones are removed.' },
      SHUTDOWN_GRACE_MS: {
        does: 'How long running calls may go on after SIGTERM; at least `LLM_CALL_TIMEOUT_MS` + 10 s, so that a stop breaks off no call.',
      },
      CPU_THREADS: {
        does: 'Worker threads for work that would hold up the event loop: files and large answers (hashes, text), answers against their schemas.',
        defaultIs: '2, or 1 on a machine with fewer than three cores',
      },
      CPU_THREAD_MEMORY_MB: { does: 'Heap of each of these threads.' },
    },
  },
  {
    title: 'Traces',
    settings: {
      OTEL_EXPORTER_OTLP_ENDPOINT: {
        does: 'The OTLP address of the trace store, without `/v1/traces`. Nothing is recorded before one is named. Headers, certificates, compression and timeout come from the other `OTEL_EXPORTER_OTLP_*` variables, which the exporter of OpenTelemetry reads by itself.',
      },
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: { does: 'The whole address for traces, instead of `OTEL_EXPORTER_OTLP_ENDPOINT`.' },
      OTEL_EXPORTER_OTLP_PROTOCOL: { does: 'Only `http/protobuf` is offered.' },
      OTEL_TRACES_EXPORTER: {
        does: '`none` records nothing; `otlp` without an endpoint sends to the default one of OpenTelemetry, `http://localhost:4318`.',
      },
      OTEL_SDK_DISABLED: { does: '`true` records nothing.' },
      OTEL_SERVICE_NAME: { does: 'What the service is called in the trace store.' },
      OTEL_TRACES_SAMPLER: {
        does: 'Which traces are recorded. The `parentbased_` ones follow the producer where its message carries a trace.',
      },
      OTEL_TRACES_SAMPLER_ARG: { does: 'Of the traces that start here, the share that the `traceidratio` samplers record.' },
      OTEL_BSP_SCHEDULE_DELAY: { does: 'Milliseconds between two batches of spans.' },
      OTEL_BSP_EXPORT_TIMEOUT: { does: 'Milliseconds that the trace store has for a batch.' },
      OTEL_BSP_MAX_QUEUE_SIZE: { does: 'Spans that may wait; what does not fit is lost.' },
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: { does: 'Spans of a batch.' },
      OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT: {
        does: '`true` puts prompts and answers into spans, for everybody who may read the trace store.',
      },
    },
  },
  {
    title: 'Kafka: connection and topics',
    settings: {
      KAFKA_BROKERS: { does: 'Brokers to begin with, `host:port`.' },
      KAFKA_CLIENT_ID: { does: "The name in the brokers' logs and quotas." },
      KAFKA_GROUP_ID: { does: 'The consumer group; all replicas share it.' },
      KAFKA_GROUP_INSTANCE_ID: {
        does: 'Static membership: a name of its own for each replica, which keeps it over restarts. Not set: dynamic.',
      },
      KAFKA_GROUP_PROTOCOL: { does: '`classic`, or `consumer` for the rebalance protocol of KIP-848 (Kafka 4).' },
      KAFKA_TOPIC_TASKS: { does: 'Topics that tasks are taken from.' },
      KAFKA_TOPIC_RESULTS: { does: 'Where the result of each run goes.' },
      KAFKA_TOPIC_DEAD_LETTERS: { does: 'Where failed runs and records that are no tasks go.' },
      KAFKA_START_FROM: {
        does: 'Where a group begins that has committed nothing on a topic which is not empty. Without it the service refuses to start there: it would pay for the whole history.',
      },
      KAFKA_SASL_MECHANISM: { does: 'Not set: no SASL.' },
      KAFKA_SASL_USERNAME: { does: 'Needed with `KAFKA_SASL_MECHANISM`.' },
      KAFKA_SASL_PASSWORD: { does: 'Needed with `KAFKA_SASL_MECHANISM`. Its file is read again for every new connection.', secret: true },
      KAFKA_TLS_ENABLED: { does: 'TLS to the brokers.' },
      KAFKA_TLS_CA: { does: 'Certificates (PEM) to trust instead of the well-known ones.', pem: true },
      KAFKA_TLS_CERT: { does: 'Client certificate (PEM).', pem: true },
      KAFKA_TLS_KEY: { does: 'Key of the client certificate (PEM).', secret: true },
      KAFKA_CREATE_TOPICS: { does: 'Makes topics that are missing; otherwise the service waits for them and is not ready.' },
      KAFKA_CREATE_TOPICS_PARTITIONS: { does: 'Partitions of a topic that is made.' },
      KAFKA_CREATE_TOPICS_REPLICATION: { does: 'Replicas of a topic that is made.' },
    },
  },
  {
    title: 'Kafka: intake',
    settings: {
      KAFKA_WINDOW_RECORDS: { does: 'Records in hand at most: fetched and not yet stored.' },
      KAFKA_WINDOW_BYTES: { does: 'The same in bytes.' },
      KAFKA_BATCH_RECORDS: { does: 'Records that are stored together at most.' },
      KAFKA_BATCH_BYTES: { does: 'The same in bytes.' },
      KAFKA_BATCHES_IN_FLIGHT: { does: 'Batches that are stored at the same time.' },
      KAFKA_UNPACKED_BATCH_BYTES: {
        does: 'Records that were compressed together may have so many bytes when unpacked; larger ones are rejected unread, as one dead letter with their offsets. Raise it and send them again.',
      },
      KAFKA_FETCH_BYTES: { does: 'One fetch at most.' },
      KAFKA_FETCH_WAIT_MS: { does: 'How long a broker may keep a fetch waiting for records.' },
      KAFKA_COMMIT_INTERVAL_MS: { does: 'How often offsets of what is stored are committed.' },
      KAFKA_DRAIN_TIMEOUT_MS: {
        does: 'How long a revoked partition may still store what it has; at most `KAFKA_SESSION_TIMEOUT_MS` - 3 s.',
      },
      KAFKA_SESSION_TIMEOUT_MS: { does: 'Without heartbeats for this long a replica loses its partitions.' },
      KAFKA_REQUEST_TIMEOUT_MS: { does: 'One request to a broker.' },
      KAFKA_STALL_TIMEOUT_MS: {
        does: 'Silent for this long, a connection counts as dead and is made anew.',
        defaultIs: 'twice `KAFKA_SESSION_TIMEOUT_MS`',
      },
      KAFKA_RETRY_INITIAL_DELAY_MS: {
        does: 'The longest first wait between two tries to reach Kafka, or to store a batch; it doubles with each try, and each wait is a random part of it.',
      },
      KAFKA_RETRY_MAX_DELAY_MS: { does: 'The longest wait between two such tries; at least `KAFKA_RETRY_INITIAL_DELAY_MS`.' },
      MAX_MESSAGE_BYTES: { does: 'A longer record is rejected before it is parsed.' },
    },
  },
  {
    title: 'Kafka: results',
    settings: {
      KAFKA_COMPRESSION: { does: 'Of results and dead letters.' },
      KAFKA_PRODUCE_BATCH_RECORDS: { does: 'Records that are sent together at most.' },
      KAFKA_PRODUCE_BATCH_BYTES: { does: 'The same in bytes.' },
      KAFKA_PRODUCE_IN_FLIGHT: { does: 'Batches that are sent at the same time.' },
      KAFKA_PRODUCE_BUDGET_MS: { does: 'How long a send is tried again at once; then the outbox keeps the records for later.' },
      KAFKA_BREAKER_FAILURES: {
        does: 'So many sends in a row that no broker has answered open the breaker: results wait in the outbox at once.',
      },
      KAFKA_BREAKER_OPEN_MS: { does: 'How long nothing is sent then; after that one send probes.' },
    },
  },
  {
    title: 'PostgreSQL and the ledger',
    settings: {
      DATABASE_URL: { does: 'With user, password and database; `?sslmode=verify-full` for TLS.', secret: true },
      DATABASE_DIRECT_URL: {
        does: 'Past a pooler in transaction mode: for what needs a session.',
        secret: true,
        defaultIs: 'as `DATABASE_URL`',
      },
      MIGRATION_DATABASE_URL: {
        does: 'With a role that may change the schema, for `sluice migrate`.',
        secret: true,
        defaultIs: 'as `DATABASE_DIRECT_URL`',
      },
      MIGRATE_ON_START: {
        does: 'Brings the schema up to date under a lock before it takes work.',
        defaultIs: '`true` in `dev`, else `false`',
      },
      DATABASE_POOL_SIZE: { does: 'Connections of this replica; replicas times this must fit into `max_connections`.' },
      DATABASE_CONNECT_TIMEOUT_MS: { does: 'A connection must be made in this time.' },
      DATABASE_STATEMENT_TIMEOUT_MS: { does: 'The server ends a statement after this time; less than `DATABASE_QUERY_TIMEOUT_MS`.' },
      DATABASE_QUERY_TIMEOUT_MS: { does: 'Without an answer for this long, a connection counts as dead and is dropped.' },
      DATABASE_RETRY_INITIAL_DELAY_MS: {
        does: 'The longest first wait before what has happened (an answer, an end) is offered to PostgreSQL again; it doubles with each try, and each wait is a random part of it. There is no last try.',
      },
      DATABASE_RETRY_MAX_DELAY_MS: { does: 'The longest such wait; at least `DATABASE_RETRY_INITIAL_DELAY_MS`.' },
      DATABASE_BREAKER_FAILURES: {
        does: 'So many statements in a row that PostgreSQL has not answered open the breaker: intake and claims stop, no call is paid.',
      },
      DATABASE_BREAKER_OPEN_MS: { does: 'How long no statement is sent then, but for renewals of the lease; after that one probes.' },
      LEASE_DURATION_MS: {
        does: 'A replica that has not renewed its lease for this long loses its tasks to others. Renewed each quarter of it.',
      },
      LEDGER_BATCH_SIZE: { does: 'Rows that are written together at most.' },
      LEDGER_CLAIM_BATCH: { does: 'Tasks that are claimed together at most.' },
      LEDGER_SPARE_TASKS: { does: 'Tasks in hand beyond the streams: those that read files, or whose answers are being stored.' },
      LEDGER_IN_HAND_BYTES: {
        does: 'The memory that the messages and stored answers of the tasks in hand may take: beyond it nothing more is claimed. One task is in any case.',
      },
      LEDGER_POLL_INTERVAL_MS: { does: 'How often due tasks are looked for when nothing says that there are any.' },
      ANSWERS_WAITING_BYTES: {
        does: 'While received answers of more bytes than this wait for PostgreSQL, nothing is sent. Answers of calls that are under way are kept all the same.',
      },
      ANSWER_SPOOL_DIR: {
        does: 'Below it, in a folder of its own user, answers are written down that PostgreSQL does not take: `off`, or an absolute path of at most 60 bytes on a disk of this machine that outlives the process. The next start, or another replica on the machine, stores what a dead process has left.',
        defaultIs: "the system's folder for temporary files",
      },
      ANSWER_SPOOL_AFTER_MS: { does: 'How long an answer waits for PostgreSQL before it is written down.' },
      ANSWER_SPOOL_MAX_BYTES: {
        does: 'Answers on the disk, of all replicas that share the folder; what goes beyond waits in memory only.',
      },
      INTAKE_MAX_PENDING_TASKS: { does: 'Intake pauses while more tasks than this are pending, over all replicas.' },
      INTAKE_MAX_PENDING_BYTES: { does: 'The same in bytes.' },
      INTAKE_MAX_DEFERRED_TASKS: { does: 'The same for tasks that wait for a later time.' },
      INTAKE_MAX_RUNNING_TASKS: { does: 'The same for running tasks.' },
      HISTORY_RETENTION_DAYS: { does: 'How long finished tasks, their attempts and answers are kept.' },
      TASK_ID_RETENTION_DAYS: {
        does: 'How long task ids are known, so that a resend is no new task: longer than Kafka keeps the topic; 0 for ever.',
      },
    },
  },
  {
    title: 'S3',
    settings: {
      S3_ENDPOINT: { does: 'Scheme, host and port of any S3 server.' },
      S3_ACCESS_KEY: { does: 'Read again when the server refuses it.', secret: true },
      S3_SECRET_KEY: { does: 'Read again when the server refuses it.', secret: true },
      S3_REGION: { does: 'Of the bucket.' },
      S3_BUCKET: { does: 'Where large answers are written, and files are read from unless a task names another bucket.' },
      S3_INPUT_BUCKETS: { does: 'Other buckets that tasks may name.' },
      S3_ANSWERS_PREFIX: { does: 'Where answers are written. Tasks can never read below it.' },
      S3_CREATE_BUCKET: { does: 'Makes the bucket where it is missing.' },
      S3_CA_BUNDLE: { does: 'Certificates (PEM) to trust besides the well-known ones.', pem: true },
      S3_MAX_SOCKETS: { does: 'Connections of this replica at most.' },
      S3_IDLE_TIMEOUT_MS: { does: 'A request ends when no byte has passed for this long.' },
      S3_TOTAL_TIMEOUT_MS: { does: 'A request ends after this time.' },
      S3_RETRY_ATTEMPTS: { does: 'Tries of one call, the first included.' },
      S3_RETRY_BUDGET_MS: { does: 'No try begins later than this after the first.' },
      S3_RETRY_INITIAL_DELAY_MS: {
        does: 'The longest first wait between two tries; it doubles with each, and each wait is a random part of it.',
      },
      S3_RETRY_MAX_DELAY_MS: { does: 'The longest such wait, but for what the server asks for; at least `S3_RETRY_INITIAL_DELAY_MS`.' },
      S3_CALL_TIMEOUT_MS: { does: 'One call with all its requests and tries ends after this time.' },
      S3_BREAKER_FAILURES: {
        does: 'So many requests in a row that the server has not answered open the breaker: tasks that need it are put off at once.',
      },
      S3_BREAKER_OPEN_MS: { does: 'How long no request is sent then; after that one probes.' },
    },
  },
  {
    title: 'GigaChat',
    settings: {
      GIGACHAT_CREDENTIALS: { does: 'The authorization key: base64 of client id and secret.', secret: true },
      GIGACHAT_SCOPE: { does: 'Which kind of account the key belongs to.' },
      GIGACHAT_ACCESS_TOKEN: { does: 'A token made elsewhere, instead of a key; it is never refreshed.', secret: true },
      GIGACHAT_USER: { does: 'User of an own installation, instead of a key.' },
      GIGACHAT_PASSWORD: { does: 'Password of `GIGACHAT_USER`.', secret: true },
      GIGACHAT_BASE_URL: { does: 'The API.' },
      GIGACHAT_AUTH_URL: { does: 'Where tokens are fetched.' },
      GIGACHAT_MODEL: { does: 'Model of task types that name none.' },
      GIGACHAT_PROFANITY_CHECK: { does: 'Sent as `profanity_check`. Not set: as the account is set up.' },
      GIGACHAT_STRUCTURED_OUTPUT: { does: 'The endpoint offers `response_format`: response schemas are sent along.' },
      GIGACHAT_VERIFY_SSL_CERTS: { does: 'Must be true in `prod`.' },
      GIGACHAT_CA_BUNDLE: {
        does: 'Certificates (PEM) to trust besides the well-known ones, such as the Russian Trusted Root CA.',
        pem: true,
      },
      GIGACHAT_CERT: { does: 'Client certificate (PEM); without a key, user or token it is enough to sign in.', pem: true },
      GIGACHAT_KEY: { does: 'Key of the client certificate (PEM).', secret: true },
      GIGACHAT_KEY_FILE_PASSWORD: { does: 'Password of that key.', secret: true },
    },
  },
  {
    title: 'OpenAI-compatible provider',
    settings: {
      OPENAI_BASE_URL: { does: 'The endpoint, with its version: `https://host/v1`. Not set: there is no such provider.' },
      OPENAI_API_KEY: { does: 'Not set where the endpoint asks for none.', secret: true },
      OPENAI_MODEL: { does: 'Model of task types that name none.' },
      OPENAI_STRUCTURED_OUTPUT: { does: 'The endpoint offers `response_format: json_schema`: response schemas are sent along.' },
      OPENAI_VERIFY_SSL_CERTS: { does: 'Must be true in `prod`.' },
      OPENAI_CA_BUNDLE: { does: 'Certificates (PEM) to trust besides the well-known ones.', pem: true },
    },
  },
  {
    title: 'Calls to models',
    settings: {
      LLM_PROVIDER: { does: 'Provider of task types that name none: `gigachat` or `openai`.' },
      LIMITS_FILE: {
        does: 'YAML: streams of each provider and model, and how tenants share them (docs/limits.md). `LLM_MAX_STREAMS` holds for what it does not name.',
      },
      ADMISSION_INTERVAL_MS: { does: 'How often a replica that has calls tells the others how many streams it needs.' },
      LLM_STREAMS_RAISE_INTERVAL_MS: {
        does: 'After the provider has refused a call because there are too many, one stream is given back each time, up to the limit.',
      },
      LLM_BREAKER_FAILURES: { does: 'Failed calls of a model, one after the other over all replicas, that hold back further ones.' },
      LLM_BREAKER_OPEN_MS: { does: 'How long calls are held back then; after that one of one replica probes.' },
      LLM_BREAKER_MAX_OPEN_MS: { does: 'Each probe that fails doubles that time, up to this.' },
      LLM_UNPAID_OPEN_MS: { does: 'How long calls of a model are held back that answers 402 (its tokens are used up).' },
      LLM_UNPAID_MAX_OPEN_MS: { does: 'Each probe that gets 402 again doubles that time, up to this.' },
      LLM_MAX_STREAMS: {
        does: 'Calls in flight at most for one credential, over all replicas. Also the most connections of a replica.',
        defaultIs: '1 for `GIGACHAT_API_PERS`, else 10',
      },
      LLM_CONNECT_TIMEOUT_MS: { does: 'A connection must be made in this time.' },
      LLM_FIRST_BYTE_TIMEOUT_MS: { does: 'The silence before the first byte of an answer.' },
      LLM_IDLE_TIMEOUT_MS: { does: 'The silence between two bytes of an answer.' },
      LLM_CALL_TIMEOUT_MS: { does: 'A whole call.' },
      LLM_MAX_ANSWER_BYTES: { does: 'A longer answer fails its run with `answer_too_large`.' },
      LLM_CONTEXT_WINDOWS: { does: 'Context windows of models that are not known, `model=tokens`, comma-separated.' },
    },
  },
  {
    title: 'Tasks',
    settings: {
      TASK_TYPES_DIR: { does: `Folder of [task types](../task-types/README.md). ${FOLDER_RULE}` },
      PROMPTS_DIR: { does: `Folder of [prompt templates](../prompts/README.md). ${FOLDER_RULE}` },
      TENANTS_FILE: {
        does: 'Who may send on which topic ([tenants](../task-types/README.md)). Not set: one tenant, `default`, on every topic.',
      },
      INLINE_ANSWER_BYTES: { does: 'Longer answers go to S3; their results name the object.' },
      FILES_IN_HAND_BYTES: {
        does: 'Files of all tasks in hand at most; others wait for their turn. A task with more files than this runs alone. Memory needs about three times as much.',
      },
      DEFERRAL_RATE_LIMITED_MS: { does: `The provider's limit is reached (429). ${SCHEDULE_RULE}` },
      DEFERRAL_PROVIDER_DOWN_MS: { does: 'The provider, its model or its token endpoint is away.' },
      DEFERRAL_PROVIDER_ERROR_MS: { does: 'A call failed at the provider or brought no answer. Spends attempts.' },
      DEFERRAL_BAD_ANSWER_MS: { does: 'An answer that cannot be used. Spends attempts.' },
      DEFERRAL_PAYMENT_MS: { does: 'The balance is used up.' },
      DEFERRAL_AUTH_MS: { does: 'Credentials or certificates are refused.' },
      DEFERRAL_STORAGE_DOWN_MS: { does: 'S3 is away or refuses.' },
      DEFERRAL_LEDGER_DOWN_MS: { does: 'PostgreSQL or Kafka is away.' },
      DEFERRAL_ROLLOUT_MS: { does: 'This replica does not have the template version of the run.' },
      DEFERRAL_INTERNAL_MS: { does: 'A defect of ours. Spends attempts.' },
      MAX_CRASHES: {
        does: 'A task fails as `poison` when this many workers have died while it was the only suspect that they ran ([deferral.md](deferral.md#poison-tasks)).',
      },
    },
  },
]
