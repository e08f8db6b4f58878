import { CallObserver, type CallReport } from '#libs/kernel'

/** Keeps what it is told. */
export class FakeCallObserver extends CallObserver {
  readonly reports: CallReport[] = []

  observe(report: CallReport): void {
    this.reports.push(report)
  }
}
