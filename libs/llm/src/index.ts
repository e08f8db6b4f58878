export { LlmModule } from './llm.module.js'
export { llmSettings, type LlmSettings } from './llm.settings.js'
