/** One more wrong id is believed for so many right ones. */
const RIGHT_PER_WRONG = 1_000

/**
 * Notices an answer that belongs to another request: servers give our `X-Request-ID` back. A gateway may put an id of its own there
 * instead, always or on some of its machines, and then nothing is wrong; so only a few wrong ids are believed, `allowance` at the start
 * and one more for each thousand right ones. Such a gateway costs that many calls, and no more.
 */
export class RequestIdCheck {
  private right = 0
  private wrong = 0

  /** `allowance` is 0 for servers that are not known to give our ids back. */
  constructor(private readonly allowance: number) {}

  /** false: the answer is taken to be another's. */
  fits(sent: string, received: string | undefined): boolean {
    if (received === undefined) return true
    if (received === sent) {
      this.right++
      return true
    }
    if (this.wrong >= this.allowance + Math.floor(this.right / RIGHT_PER_WRONG)) return true
    this.wrong++
    return false
  }
}
