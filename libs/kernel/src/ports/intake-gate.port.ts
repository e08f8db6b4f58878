export type IntakeState = { readonly open: true } | { readonly open: false; readonly reason: string }

/** May deliveries be taken in now? Closed on the ledger's caps and while PostgreSQL is away. */
export abstract class IntakeGate {
  abstract readonly state: IntakeState
  /** Resolves when the gate is open (at once if it is), rejects with the signal's reason. */
  abstract whenOpen(signal: AbortSignal): Promise<void>
}
