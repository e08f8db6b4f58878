export type ModelType = 'chat' | 'embedder' | 'aicheck' | 'filter'

export interface Model {
  readonly id: string
  readonly type: ModelType
  /** Of an embedder: the length of its vectors and the longest text that it takes. */
  readonly dimensions?: number
  readonly maxItemTokens?: number
}

const CHAT_MODELS = [
  'GigaChat',
  'GigaChat-preview',
  'GigaChat-2',
  'GigaChat-2-preview',
  'GigaChat-2-Pro',
  'GigaChat-2-Pro-preview',
  'GigaChat-2-Max',
  'GigaChat-2-Max-preview',
  'GigaChat-2-Reasoning',
  'GigaChat-3-Lightning',
  'GigaChat-3-Pro',
  'GigaChat-3-Ultra',
  'GigaChat-Plus',
  'GigaChat-Pro',
  'GigaChat-Max',
]

const MODELS: readonly Model[] = [
  ...CHAT_MODELS.map((id): Model => ({ id, type: 'chat' })),
  { id: 'GigaFilter', type: 'filter' },
  { id: 'GigaCheckClassification', type: 'aicheck' },
  { id: 'GigaCheckDetection', type: 'aicheck' },
  { id: 'Embeddings', type: 'embedder', dimensions: 1024, maxItemTokens: 512 },
  { id: 'Embeddings-2', type: 'embedder', dimensions: 1024, maxItemTokens: 512 },
  { id: 'EmbeddingsGigaR', type: 'embedder', dimensions: 2560, maxItemTokens: 4096 },
  { id: 'GigaEmbeddings-3B-2025-09', type: 'embedder', dimensions: 2048, maxItemTokens: 4096 },
]

const BY_ID: ReadonlyMap<string, Model> = new Map(MODELS.map((model) => [model.id, model]))

export function findModel(id: string, type?: ModelType): Model | undefined {
  const model = BY_ID.get(id)
  return type === undefined || model?.type === type ? model : undefined
}

export function allModels(): readonly Model[] {
  return MODELS
}
