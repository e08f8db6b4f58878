import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { openSync } from 'node:fs'
import type { PeerSettings } from './peer.settings.js'
import type { RunningPeer } from './running.peer.js'

const STOP_LIMIT_MS = 60_000

/** A peer of this folder as a process. Dies with its owner. */
export class NodePeer implements RunningPeer {
  private readonly gone: Promise<unknown>

  private constructor(private readonly child: ChildProcess) {
    this.gone = once(child, 'exit')
  }

  static start(mainFile: string, settings: PeerSettings, logFile: string): NodePeer {
    const log = openSync(logFile, 'a')
    const child = spawn(process.execPath, [mainFile], {
      env: { PATH: process.env.PATH, BENCH_PEER: JSON.stringify(settings) },
      stdio: ['ignore', log, log],
    })
    const endWithOwner = () => child.kill('SIGKILL')
    process.once('exit', endWithOwner)
    child.once('exit', () => process.removeListener('exit', endWithOwner))
    return new NodePeer(child)
  }

  get pid(): number {
    return this.child.pid!
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null
  }

  async stop(): Promise<void> {
    const overdue = setTimeout(() => this.child.kill('SIGKILL'), STOP_LIMIT_MS)
    this.child.kill('SIGTERM')
    if (this.isRunning) await this.gone
    clearTimeout(overdue)
    const { exitCode, signalCode } = this.child
    if (exitCode !== 0) throw new Error(`the peer ended with ${signalCode ?? `exit code ${exitCode}`}`)
  }
}
