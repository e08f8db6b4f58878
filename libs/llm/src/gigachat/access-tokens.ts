/** Where a call takes its bearer token from. */
export abstract class AccessTokens {
  /** A token that is believed to be valid: at once where one is at hand. undefined: the client certificate is enough. Rejects with TaskError. */
  abstract current(): string | undefined | Promise<string>
  /** A call with this token got a 401. Drops the token only if it is still the one at hand. */
  abstract reject(token: string): void
  abstract close(): Promise<void>
}

/** A token given in the settings, or none. It cannot be renewed. */
export class FixedAccessTokens extends AccessTokens {
  constructor(private readonly token: string | undefined) {
    super()
  }

  current(): string | undefined {
    return this.token
  }

  reject(): void {
    // A person has to replace it.
  }

  async close(): Promise<void> {
    // Nothing is open.
  }
}
