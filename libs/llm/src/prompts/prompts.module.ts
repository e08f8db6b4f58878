import { PromptRenderer } from '#libs/kernel'
import { Module } from '@nestjs/common'
import { Liquid } from 'liquidjs'
import { createPromptCatalog } from './create-prompt-catalog.js'
import { makeLiquidEngine } from './liquid-engine.js'
import { PromptCatalog } from './prompt-catalog.js'
import { PromptService } from './prompt.service.js'
import { promptsSettings } from './prompts.settings.js'
import { TemplateRenderer } from './template-renderer.js'

/** Prompt templates, checked at start. */
@Module({
  providers: [
    { provide: Liquid, useFactory: makeLiquidEngine },
    { provide: PromptCatalog, inject: [promptsSettings.KEY, Liquid], useFactory: createPromptCatalog },
    { provide: TemplateRenderer, inject: [Liquid], useFactory: (engine: Liquid) => new TemplateRenderer(engine) },
    { provide: PromptRenderer, useClass: PromptService },
  ],
  exports: [PromptRenderer, PromptCatalog],
})
export class PromptsModule {}
