import { IntakeGate, type IntakeState } from '#libs/kernel'

export class FakeIntakeGate extends IntakeGate {
  private current: IntakeState = { open: true }
  private waiting: (() => void)[] = []

  get state(): IntakeState {
    return this.current
  }

  /** How many wait for it. */
  get queue(): number {
    return this.waiting.length
  }

  close(reason = 'test'): void {
    this.current = { open: false, reason }
  }

  open(): void {
    this.current = { open: true }
    const { waiting } = this
    this.waiting = []
    for (const resolve of waiting) resolve()
  }

  whenOpen(signal: AbortSignal): Promise<void> {
    if (this.current.open) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.waiting.push(resolve)
      signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
    })
  }
}
