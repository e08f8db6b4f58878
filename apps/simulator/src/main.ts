import { readOptions } from './environment.config.js'
import { startSimulator } from './simulator.js'

const simulator = await startSimulator(readOptions(process.env))

// The one line that whoever started this process waits for.
process.stdout.write(`${JSON.stringify({ event: 'listening', url: simulator.url, control: simulator.controlUrl })}\n`)

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => {
    void simulator.close().then(() => process.exit(0))
  })
}
