import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { findPrometheus } from './prometheus.install.js'

export interface PromtoolResult {
  readonly code: number | null
  /** Both outputs. */
  readonly text: string
}

/** Prometheus' own checks. `input` goes to its standard input. */
export async function runPromtool(args: readonly string[], input = ''): Promise<PromtoolResult> {
  const { promtool } = await findPrometheus()
  const child = spawn(promtool, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended])
  return { code, text: out + err }
}
