import { vi } from 'vitest'
import { Ledger, type InstantClaimer } from '#libs/kernel'
import { refuse } from './refuse.js'

/** Only listening needs no stub: `claimer` is who would run tasks at once. */
export class FakeLedger extends Ledger {
  override readonly accept = vi.fn<Ledger['accept']>(refuse('Ledger.accept'))
  override readonly reject = vi.fn<Ledger['reject']>(refuse('Ledger.reject'))
  override readonly claim = vi.fn<Ledger['claim']>(refuse('Ledger.claim'))
  override readonly claimLate = vi.fn<Ledger['claimLate']>(refuse('Ledger.claimLate'))
  override readonly openAttempt = vi.fn<Ledger['openAttempt']>(refuse('Ledger.openAttempt'))
  override readonly recordAnswer = vi.fn<Ledger['recordAnswer']>(refuse('Ledger.recordAnswer'))
  override readonly finish = vi.fn<Ledger['finish']>(refuse('Ledger.finish'))
  override readonly defer = vi.fn<Ledger['defer']>(refuse('Ledger.defer'))
  override readonly hold = vi.fn<Ledger['hold']>(refuse('Ledger.hold'))
  override readonly markPublished = vi.fn<Ledger['markPublished']>(refuse('Ledger.markPublished'))
  override readonly takeUnpublished = vi.fn<Ledger['takeUnpublished']>(refuse('Ledger.takeUnpublished'))
  override readonly postponePublishing = vi.fn<Ledger['postponePublishing']>(refuse('Ledger.postponePublishing'))
  override hasRoomForAnswers = true
  claimer: InstantClaimer | undefined
  /** What a stop of it waits for. */
  instantUnderWay: Promise<void> = Promise.resolve()

  override claimAtAccept(claimer: InstantClaimer): () => Promise<void> {
    this.claimer = claimer
    return () => {
      this.claimer = undefined
      return this.instantUnderWay
    }
  }
}
