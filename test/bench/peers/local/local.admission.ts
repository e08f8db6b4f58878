import { FakeAdmission } from '../../../fakes/fake.admission.js'

/** How often it looks whether there is more, where nobody tells it. */
const INTERVAL_MS = 250

/** A semaphore of this process: what admission costs when it asks nobody. It knows the one lane of the benchmark only. */
export class LocalAdmission extends FakeAdmission {
  start(): void {
    setInterval(() => this.notice(), INTERVAL_MS).unref()
  }
}
