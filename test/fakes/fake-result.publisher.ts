import { vi } from 'vitest'
import { ResultPublisher } from '#libs/kernel'
import { refuse } from './refuse.js'

export class FakeResultPublisher extends ResultPublisher {
  override readonly publish = vi.fn<ResultPublisher['publish']>(refuse('ResultPublisher.publish'))
}
