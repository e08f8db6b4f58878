import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { TaskMessage } from '#libs/contracts'
import { ConfigModule } from '#libs/config'
import { PromptRenderer, TaskTypes } from '#libs/kernel'
import { PromptsModule, promptsSettings } from '#libs/llm'
import { taskTypesSettings, TaskTypesModule } from '#libs/tasks'
import { expectedAnswer } from '../../apps/simulator/src/expected-answer.js'

const WINDOW_TOKENS = 131_072

@Module({ imports: [ConfigModule.forRoot([promptsSettings, taskTypesSettings]), PromptsModule, TaskTypesModule] })
class PromptsOnlyModule {}

/** Computes, without asking anybody, the answer that the simulator must give to a task. */
export class ExpectedAnswers implements AsyncDisposable {
  private constructor(
    private readonly prompts: PromptRenderer,
    private readonly types: TaskTypes,
    private readonly files: ReadonlyMap<string, string>,
    private readonly close: () => Promise<void>,
  ) {}

  /** `files` are the texts of the bucket by their keys. */
  static async create(files: ReadonlyMap<string, string>): Promise<ExpectedAnswers> {
    const app = await NestFactory.createApplicationContext(PromptsOnlyModule, { logger: ['error'] })
    return new ExpectedAnswers(app.get(PromptRenderer), app.get(TaskTypes), files, () => app.close())
  }

  of(message: TaskMessage): string {
    const type = this.types.find(message.type ?? 'prompt')!
    const files = (message.files ?? []).map(({ key, name }, index) => {
      const text = this.files.get(key) ?? ''
      return {
        name: name ?? `file${index + 1}`,
        key,
        bucket: '',
        text,
        sizeBytes: Buffer.byteLength(text),
        sha256: '',
        mediaType: 'text/plain',
      }
    })
    const { messages } = this.prompts.render({ message, type, files, contextWindow: WINDOW_TOKENS, maxTokens: 1, pinnedVersion: undefined })
    return expectedAnswer(messages)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}
