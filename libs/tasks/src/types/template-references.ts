import { Injectable, type OnModuleInit } from '@nestjs/common'
import { SettingsError } from '#libs/config'
import { PromptRenderer, TaskTypes } from '#libs/kernel'

/** Refuses to start where a task type names a template that does not exist: every one of its tasks would fail. */
@Injectable()
export class TemplateReferences implements OnModuleInit {
  constructor(
    private readonly types: TaskTypes,
    private readonly prompts: PromptRenderer,
  ) {}

  onModuleInit(): void {
    const problems = this.types.names.flatMap((type) => {
      const template = this.types.find(type)?.template
      if (template === undefined || this.prompts.hasTemplate(template.name, template.version)) return []
      const version = template.version === undefined ? '' : ` version ${template.version}`
      return [{ setting: `task type ${type} template`, problem: `PROMPTS_DIR has no ${template.name}${version}` }]
    })
    if (problems.length > 0) throw new SettingsError(problems)
  }
}
