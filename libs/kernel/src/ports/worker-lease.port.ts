/**
 * This replica's right to hold tasks: renewed in PostgreSQL, lost when it was reaped by another replica. While it is lost nothing may
 * be claimed or sent; a new one is taken by itself.
 */
export abstract class WorkerLease {
  /** The number of the lease: the fence on every transition. null while none is held. */
  abstract readonly fence: number | null
  /** false: it has not been renewed for so long that another replica may have taken our tasks. Nothing may be sent then. */
  abstract readonly isFresh: boolean
  /** Aborted when the lease that was held at the time of the call is lost. */
  abstract signal(): AbortSignal
}
