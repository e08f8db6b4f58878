import { vi } from 'vitest'
import { FileStore } from '#libs/kernel'
import { refuse } from './refuse.js'

export class FakeFileStore extends FileStore {
  override readonly statText = vi.fn<FileStore['statText']>(refuse('FileStore.statText'))
  override readonly readText = vi.fn<FileStore['readText']>(refuse('FileStore.readText'))
  override readonly removeAnswer = vi.fn<FileStore['removeAnswer']>(refuse('FileStore.removeAnswer'))
  override readonly putAnswer = vi.fn<FileStore['putAnswer']>(refuse('FileStore.putAnswer'))
}
