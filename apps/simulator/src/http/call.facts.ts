/** Groups of paths that fault rules can name. */
export const ENDPOINTS = [
  'oauth',
  'chat',
  'embeddings',
  'models',
  'files',
  'batches',
  'tokens_count',
  'balance',
  'ai_check',
  'filter_check',
  'functions',
] as const
export type Endpoint = (typeof ENDPOINTS)[number]

/** What a fault rule can be filtered by; filled in by the route once the body is read. */
export interface CallFacts {
  readonly model: string
  readonly stream: boolean
  readonly tasks: readonly string[]
  /** All texts of the prompt. Computed only when a rule asks. */
  promptText(): string
}

export const NO_FACTS: CallFacts = { model: '', stream: false, tasks: [], promptText: () => '' }
