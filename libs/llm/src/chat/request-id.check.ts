/** So many answers in a row must have carried our id before one that does not is suspicious. */
const TRUSTED_AFTER = 20

/**
 * Notices an answer that belongs to another request. Servers that give our `X-Request-ID` back do so always; a gateway that makes up
 * its own never does, and is left alone.
 */
export class RequestIdCheck {
  private echoed = 0

  /** false: this server has always given our ids back, and this one is another's. */
  fits(sent: string, received: string | undefined): boolean {
    if (received === undefined) return true
    if (received === sent) {
      this.echoed++
      return true
    }
    const trusted = this.echoed >= TRUSTED_AFTER
    this.echoed = 0
    return !trusted
  }
}
