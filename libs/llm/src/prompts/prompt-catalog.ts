import { TaskError } from '#libs/kernel'
import { labelOf, type PromptTemplate } from './prompt-template.js'

/** All versions of all templates, as they were at start. */
export class PromptCatalog {
  private readonly versions = new Map<string, Map<number, PromptTemplate>>()
  private readonly latest = new Map<string, PromptTemplate>()
  private readonly byLabel: ReadonlyMap<string, PromptTemplate>

  constructor(readonly all: readonly PromptTemplate[]) {
    for (const template of all) this.add(template)
    this.byLabel = new Map(all.map((template) => [labelOf(template), template]))
  }

  /** The latest version where none is named. */
  find(name: string, version?: number): PromptTemplate | undefined {
    return version === undefined ? this.latest.get(name) : this.versions.get(name)?.get(version)
  }

  /** Throws TaskError `template_not_found` with what there is. */
  get(name: string, version?: number): PromptTemplate {
    const template = this.find(name, version)
    if (template !== undefined) return template
    const versions = this.versions.get(name)
    const hint = versions === undefined ? 'there is no template of this name' : `its versions are ${[...versions.keys()].join(', ')}`
    throw TaskError.invalid('template_not_found', `template: ${name}${version === undefined ? '' : ` version ${version}`}: ${hint}`)
  }

  /**
   * By `name@version`. Throws TaskError `template_not_found`, retryable: while a release is rolled out, the version may be on another replica
   * only, and a task that has begun with it must not fail for that.
   */
  getPinned(label: string): PromptTemplate {
    const template = this.byLabel.get(label)
    if (template !== undefined) return template
    throw TaskError.unavailable(
      'template_not_found',
      `template: this run began with ${label}, which PROMPTS_DIR does not have: put it back`,
    )
  }

  private add(template: PromptTemplate): void {
    const versions = this.versions.get(template.name) ?? new Map<number, PromptTemplate>()
    this.versions.set(template.name, versions.set(template.version, template))
    const latest = this.latest.get(template.name)
    if (latest === undefined || latest.version < template.version) this.latest.set(template.name, template)
  }
}
