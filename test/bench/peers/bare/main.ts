import { readPeerSettings } from '../peer.settings.js'
import { BareLoop } from './bare.loop.js'

const loop = await BareLoop.start(readPeerSettings(process.env), (error) => {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
})

process.once('SIGTERM', () => {
  void loop.stop().then(() => process.exit(0))
})
