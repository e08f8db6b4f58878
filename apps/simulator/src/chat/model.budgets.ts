/** Prepaid tokens by model. A model without an entry has no budget and never runs out. */
export class ModelBudgets {
  readonly #left = new Map<string, number>()

  constructor(budgets: Readonly<Record<string, number>>) {
    this.fill(budgets)
  }

  fill(budgets: Readonly<Record<string, number>>): void {
    this.#left.clear()
    for (const [model, tokens] of Object.entries(budgets)) this.#left.set(model, tokens)
  }

  left(model: string): number | undefined {
    return this.#left.get(model)
  }

  spend(model: string, tokens: number): void {
    const left = this.#left.get(model)
    if (left !== undefined) this.#left.set(model, Math.max(0, left - tokens))
  }

  all(): [model: string, tokens: number][] {
    return [...this.#left]
  }
}
