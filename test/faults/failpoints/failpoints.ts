import type { Failpoint, FailpointAction } from './failpoint.spec.js'

/** Which failpoints are armed, and how often each was passed since. */
export class Failpoints {
  private armed: { readonly failpoint: Failpoint; passed: number }[] = []

  /** Instead of those that were armed before. */
  arm(failpoints: readonly Failpoint[]): void {
    this.armed = failpoints.map((failpoint) => ({ failpoint, passed: 0 }))
  }

  /** What is to happen now that the work passes here; undefined: nothing. */
  pass(when: Failpoint['when'], point: string): FailpointAction | undefined {
    for (const entry of this.armed) {
      const { failpoint } = entry
      if (failpoint.when !== when || failpoint.point !== point) continue
      const pass = ++entry.passed
      if (pass >= failpoint.from && pass < failpoint.from + failpoint.times) return failpoint.action
    }
    return undefined
  }
}
