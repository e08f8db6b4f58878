/** What a peer that is not the service gets in BENCH_PEER, as JSON. */
export interface PeerSettings {
  readonly brokers: readonly string[]
  readonly groupId: string
  readonly tasksTopic: string
  readonly resultsTopic: string
  readonly databaseUrl: string
  /** undefined: kafkajs' default, which is 1. */
  readonly partitionsConsumedConcurrently: number | undefined
  readonly model: ModelSettings
}

export interface ModelSettings {
  readonly origin: string
  /** Of chat completions. */
  readonly path: string
  readonly token: string
  readonly name: string
}

export function readPeerSettings(env: NodeJS.ProcessEnv): PeerSettings {
  if (env.BENCH_PEER === undefined) throw new Error('BENCH_PEER is missing: the benchmark starts its peers itself')
  return JSON.parse(env.BENCH_PEER) as PeerSettings
}
