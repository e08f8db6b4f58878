export interface FilePurposeAndName {
  readonly filename: string
  readonly contentType: string
  readonly purpose: string
}

export interface StoredFile extends FilePurposeAndName {
  readonly id: string
  readonly owner: string
  readonly createdAt: number
  readonly content: Buffer
}

/** Files by id; each client sees only its own. They stay until they are deleted or the simulator is reset. */
export class FileStore {
  readonly #files = new Map<string, StoredFile>()

  constructor(private readonly nextId: () => string) {}

  add(owner: string, content: Buffer, about: FilePurposeAndName): StoredFile {
    const file = { ...about, id: this.nextId(), owner, createdAt: Math.floor(Date.now() / 1000), content }
    this.#files.set(file.id, file)
    return file
  }

  find(owner: string, id: string): StoredFile | undefined {
    const file = this.#files.get(id)
    return file?.owner === owner ? file : undefined
  }

  has(id: string): boolean {
    return this.#files.has(id)
  }

  listOf(owner: string): StoredFile[] {
    return [...this.#files.values()].filter((file) => file.owner === owner)
  }

  delete(id: string): void {
    this.#files.delete(id)
  }

  clear(): void {
    this.#files.clear()
  }
}
