import { vi } from 'vitest'
import { OutputChecker, PromptRenderer } from '#libs/kernel'
import { refuse } from './refuse.js'

export class FakePromptRenderer extends PromptRenderer {
  override readonly render = vi.fn<PromptRenderer['render']>(refuse('PromptRenderer.render'))
  override readonly hasTemplate = vi.fn<PromptRenderer['hasTemplate']>(refuse('PromptRenderer.hasTemplate'))
  override readonly estimateTemplateTokens = vi.fn<PromptRenderer['estimateTemplateTokens']>(() => undefined)
}

export class FakeOutputChecker extends OutputChecker {
  override readonly check = vi.fn<OutputChecker['check']>(refuse('OutputChecker.check'))
}
