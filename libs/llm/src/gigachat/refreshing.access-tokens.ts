import { TaskError, type Clock } from '#libs/kernel'
import { AccessTokens } from './access-tokens.js'
import type { IssuedToken } from './token.response.js'

interface HeldToken {
  readonly token: string
  readonly refreshAtMs: number
  readonly unusableAtMs: number
}

interface TokenIssuer {
  issue(): Promise<IssuedToken>
  close(): Promise<void>
}

const LEAD_MS = 60_000
const LEAD_SHARE = 0.05
const JITTER_SHARE = 0.25
/** Not served in its last moments: it would expire on its way. */
const LAST_MOMENTS_MS = 5_000
const FIRST_PAUSE_MS = 500
const MAX_PAUSE_MS = 30_000
const MAX_ASKED_PAUSE_MS = 300_000

/**
 * One access token for one key and scope, shared by all calls. The token endpoint refuses parallel requests (429), so there is at most
 * one at a time, and after a failure none for a while. All times are on the monotonic clock.
 *
 * empty     nothing usable; `current` starts a request or joins the one under way
 * fresh     `current` gives the token at once
 * due       from `expires - max(60 s, 5 %)`, earlier by a jitter: `current` still gives it at once and starts a request behind it
 * pausing   after a failed request: none before `pausedUntilMs`; a token that is still usable is served, otherwise `current` rejects at
 *           once with the failure and the rest of the pause as retryAfterMs
 *
 * fresh, due -> empty   `reject` with the very token that is held, or its time is over
 * any -> fresh          a request succeeded
 */
export class RefreshingAccessTokens extends AccessTokens {
  private held: HeldToken | undefined
  /** Set while a request is under way. */
  private request: Promise<string> | undefined
  private failure: TaskError | undefined
  private failures = 0
  private pausedUntilMs = -Infinity

  constructor(
    private readonly issuer: TokenIssuer,
    private readonly clock: Clock,
    private readonly random: () => number = Math.random,
  ) {
    super()
  }

  current(): string | Promise<string> {
    const now = this.clock.monotonicMs()
    const { held } = this
    if (held && now < held.unusableAtMs) {
      if (now >= held.refreshAtMs && !this.request && now >= this.pausedUntilMs) this.refreshBehind()
      return held.token
    }
    if (this.request) return this.request
    if (now < this.pausedUntilMs) return Promise.reject(this.pauseError(now))
    return this.refresh()
  }

  reject(token: string): void {
    if (this.held?.token === token) this.held = undefined
  }

  close(): Promise<void> {
    return this.issuer.close()
  }

  private refreshBehind(): void {
    // Its failure opens a pause; whoever needs a token after this one has expired gets to see it.
    this.refresh().catch(() => undefined)
  }

  private refresh(): Promise<string> {
    this.request = this.issuer.issue().then(
      (issued) => this.hold(issued),
      (error: unknown) => this.pause(error),
    )
    return this.request
  }

  private hold({ token, lifetimeMs }: IssuedToken): string {
    const now = this.clock.monotonicMs()
    const lead = Math.min(Math.max(LEAD_MS, lifetimeMs * LEAD_SHARE), lifetimeMs / 2)
    this.held = {
      token,
      refreshAtMs: now + lifetimeMs - lead * (1 + this.random() * JITTER_SHARE),
      unusableAtMs: now + lifetimeMs - Math.min(LAST_MOMENTS_MS, lifetimeMs * LEAD_SHARE),
    }
    this.request = undefined
    this.failure = undefined
    this.failures = 0
    this.pausedUntilMs = -Infinity
    return token
  }

  private pause(thrown: unknown): never {
    const now = this.clock.monotonicMs()
    const error = thrown instanceof TaskError ? thrown : TaskError.unavailable('llm_auth_unavailable', 'no access token', thrown)
    const ownPauseMs = Math.min(FIRST_PAUSE_MS * 2 ** this.failures++, MAX_PAUSE_MS) * (1 + this.random() * JITTER_SHARE)
    this.request = undefined
    this.failure = error
    this.pausedUntilMs = now + (error.retryAfterMs === undefined ? ownPauseMs : Math.min(error.retryAfterMs, MAX_ASKED_PAUSE_MS))
    throw this.pauseError(now)
  }

  private pauseError(now: number): TaskError {
    const { code, message, retryable, details } = this.failure!
    return new TaskError(code, message, { retryable, details, cause: this.failure, retryAfterMs: Math.ceil(this.pausedUntilMs - now) })
  }
}
