import { join } from 'node:path'
import { exists } from '../stack/cache/cached.build.js'
import { installGoProgram, type GoInstallOptions } from '../stack/go/go.install.js'
import { OLDEST_GO } from '../stack/minio/minio.install.js'
import { findGo } from '../stack/prerequisites/toolchain.js'

const TOXIPROXY_VERSION = 'v2.12.0'

/** Gives the path of the binary; builds it where it has not been built yet, which takes less than a minute. */
export async function installToxiproxy({
  cacheFolder,
  ...options
}: Omit<GoInstallOptions, 'folder' | 'go'> & { readonly cacheFolder: string }): Promise<string> {
  const folder = join(cacheFolder, `toxiproxy-${TOXIPROXY_VERSION}`)
  const program = {
    binary: 'server',
    package: `github.com/Shopify/toxiproxy/v2/cmd/server@${TOXIPROXY_VERSION}`,
    packageCount: 200,
    hint: 'once, less than a minute on two cores',
  }
  const found = (await exists(folder)) ? undefined : await findGo(options.env)
  if (found && 'problem' in found) throw new Error(`toxiproxy is built with Go ${OLDEST_GO} or newer, which is not in PATH: install it`)
  return installGoProgram(program, { ...options, folder, go: found?.command })
}
