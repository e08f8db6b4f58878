import 'reflect-metadata'
import { readFileSync } from 'node:fs'
import { decorate } from './decorate.js'
import { parseFailpoints } from './failpoint.spec.js'
import { Failpoints } from './failpoints.js'
import { PLACES } from './points.js'

/**
 * The service as it is, with failpoints at the edges of its adapters: its own code knows nothing of them, and its image has none of this.
 * FAILPOINTS_FILE names a file of failpoints, read now and at each SIGUSR2.
 */
const failpoints = new Failpoints()
for (const place of PLACES) decorate(place, failpoints)
process.on('SIGUSR2', armFromFile)
armFromFile()

await import('../../../apps/worker/src/main.js')

function armFromFile(): void {
  failpoints.arm(parseFailpoints(readFileSync(process.env.FAILPOINTS_FILE!, 'utf8')))
}
