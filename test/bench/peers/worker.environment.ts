/** Calls that the service may have in flight in all cases. */
export const STREAMS = 1_000

export interface WorkerPlaces {
  readonly stackEnvironment: Readonly<Record<string, string>>
  readonly databaseUrl: string
  readonly tasksTopic: string
  readonly resultsTopic: string
  /** Of this measurement: topic names, group and bucket are made from it. */
  readonly name: string
}

/**
 * The service's settings in a measurement: where things are, a thousand streams (the default is what GigaChat allows), and the start on a
 * full topic, which the service refuses unless it is told. Everything else is the default, above all what makes it durable.
 */
export function makeWorkerEnvironment({ stackEnvironment, databaseUrl, tasksTopic, resultsTopic, name }: WorkerPlaces) {
  return {
    ...stackEnvironment,
    DATABASE_URL: databaseUrl,
    KAFKA_GROUP_ID: name,
    KAFKA_TOPIC_TASKS: tasksTopic,
    KAFKA_TOPIC_RESULTS: resultsTopic,
    KAFKA_TOPIC_DEAD_LETTERS: `${name}.dead-letters`,
    KAFKA_CREATE_TOPICS: 'true',
    KAFKA_START_FROM: 'earliest',
    S3_BUCKET: name,
    GIGACHAT_SCOPE: 'GIGACHAT_API_CORP',
    LLM_MAX_STREAMS: String(STREAMS),
  }
}
