import { execFile } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { ensureBuilt, exists } from '../stack/cache/cached.build.js'
import { prepareFolders } from '../stack/cache/stack.folders.js'

const run = promisify(execFile)

export interface PrometheusBinaries {
  readonly prometheus: string
  readonly promtool: string
}

type Environment = Readonly<Record<string, string | undefined>>

const HELP =
  'Prometheus is needed: set PROMETHEUS and PROMTOOL to its binaries, put them into PATH, or let Debian\'s package "prometheus" be downloaded by apt-get'
const LIMIT_MS = 120_000

/**
 * The binaries that PROMETHEUS and PROMTOOL name, or those in PATH, or else those of Debian's package. The package is unpacked into the cache, by
 * version, and not installed: nothing is started or changed, and it needs no rights.
 */
export async function findPrometheus(env: Environment = process.env): Promise<PrometheusBinaries> {
  if (env.PROMETHEUS && env.PROMTOOL) return { prometheus: env.PROMETHEUS, promtool: env.PROMTOOL }
  const [prometheus, promtool] = await Promise.all(['prometheus', 'promtool'].map((name) => findInPath(name, env)))
  if (prometheus && promtool) return { prometheus, promtool }
  const folder = await unpackPackage()
  return { prometheus: join(folder, 'usr/bin/prometheus'), promtool: join(folder, 'usr/bin/promtool') }
}

async function findInPath(name: string, { PATH = '' }: Environment): Promise<string | undefined> {
  for (const folder of PATH.split(delimiter)) if (await exists(join(folder, name))) return join(folder, name)
  return undefined
}

async function unpackPackage(): Promise<string> {
  try {
    const { cache } = await prepareFolders(process.env)
    const folder = join(cache, `prometheus-${await readVersion()}`)
    await ensureBuilt({ folder, build: download, signal: AbortSignal.timeout(LIMIT_MS) })
    return folder
  } catch (error) {
    throw new Error(HELP, { cause: error })
  }
}

/** The one that Debian offers; its index is fetched where there is none, which only root may do. */
async function readVersion(): Promise<string> {
  const known = await askCandidate()
  if (known !== undefined) return known
  await run('apt-get', ['update'], { timeout: LIMIT_MS })
  const fetched = await askCandidate()
  if (fetched === undefined) throw new Error('apt-cache knows no package prometheus')
  return fetched
}

async function askCandidate(): Promise<string | undefined> {
  const { stdout } = await run('apt-cache', ['policy', 'prometheus'], { timeout: LIMIT_MS })
  return /Candidate: (\d\S*)/.exec(stdout)?.[1]
}

async function download(folder: string): Promise<void> {
  try {
    await run('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: LIMIT_MS })
  } catch {
    // The index may be older than what the mirror has.
    await run('apt-get', ['update'], { timeout: LIMIT_MS })
    await run('apt-get', ['download', 'prometheus'], { cwd: folder, timeout: LIMIT_MS })
  }
  await run('sh', ['-c', 'dpkg-deb -x prometheus_*.deb .'], { cwd: folder, timeout: LIMIT_MS })
  await Promise.all(['etc', 'lib', 'var', 'usr/share'].map((name) => rm(join(folder, name), { recursive: true, force: true })))
  await run('sh', ['-c', 'rm -f prometheus_*.deb'], { cwd: folder })
}
