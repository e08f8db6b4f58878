import { Injectable } from '@nestjs/common'
import type { TaskError } from '#libs/kernel'

export interface StorageFailure {
  readonly code: string
  readonly message: string
  readonly at: string
}

const ABOUT_THE_STORE: ReadonlySet<string> = new Set(['storage_unavailable', 'storage_forbidden'])

/** How the last calls went: for people. A file that does not exist says nothing about the store. */
@Injectable()
export class StorageStatus {
  private failure: StorageFailure | undefined

  /** The last failure, until a call succeeds again. */
  get lastFailure(): StorageFailure | undefined {
    return this.failure
  }

  recordSuccess(): void {
    this.failure = undefined
  }

  recordFailure({ code, message }: TaskError): void {
    if (ABOUT_THE_STORE.has(code)) this.failure = { code, message, at: new Date().toISOString() }
  }
}
