import type { Environment } from '../stack.settings.js'

const PASSED_ON = ['PATH', 'HOME', 'TMPDIR', 'LANG', 'TZ']

/** What a server sees of our environment: not PGDATA, KAFKA_OPTS, NODE_OPTIONS or MINIO_*, which would quietly change what is started. */
export function makeServerEnvironment(env: Environment, extra: Record<string, string> = {}): Record<string, string> {
  return { ...pick(env, PASSED_ON), ...extra }
}

/** A build tool gets all of ours: proxies, mirrors and caches are configured there. */
export function makeBuildEnvironment(env: Environment, extra: Record<string, string> = {}): Record<string, string> {
  return { ...pick(env, Object.keys(env)), ...extra }
}

function pick(env: Environment, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])))
}
