import { SettingsError } from '#libs/config'
import type { Liquid } from 'liquidjs'
import { loadPromptTemplates } from './load-prompt-templates.js'
import { PromptCatalog } from './prompt-catalog.js'
import type { PromptsSettings } from './prompts.settings.js'

/** Throws SettingsError with the problems of all templates. */
export function createPromptCatalog({ folder }: PromptsSettings, engine: Liquid): PromptCatalog {
  const { templates, problems } = loadPromptTemplates(folder, engine)
  if (problems.length > 0) throw new SettingsError(problems)
  return new PromptCatalog(templates)
}
