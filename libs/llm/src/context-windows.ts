/** Tokens of prompt and answer together. Sber announces 128k for its second generation, to which the names of the first lead too. */
const GIGACHAT_2 = 128_000

const KNOWN: Readonly<Record<string, number>> = {
  GigaChat: GIGACHAT_2,
  'GigaChat-Plus': GIGACHAT_2,
  'GigaChat-Pro': GIGACHAT_2,
  'GigaChat-Max': GIGACHAT_2,
  'GigaChat-2': GIGACHAT_2,
  'GigaChat-2-Pro': GIGACHAT_2,
  'GigaChat-2-Max': GIGACHAT_2,
  Embeddings: 512,
  'Embeddings-2': 512,
  EmbeddingsGigaR: 4_096,
}

/** By a model's name without its build (`GigaChat-2:2.0.28.2`) and without `-preview`; the settings win. */
export class ContextWindows {
  constructor(private readonly settings: ReadonlyMap<string, number>) {}

  of(model: string): number | undefined {
    return this.settings.get(model) ?? KNOWN[model.replace(/:.*$/, '').replace(/-preview$/, '')]
  }
}
