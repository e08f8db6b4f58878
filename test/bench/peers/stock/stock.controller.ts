import { Controller, Inject } from '@nestjs/common'
import { ClientKafka, Ctx, EventPattern, KafkaContext, Payload } from '@nestjs/microservices'
import { Pool } from 'pg'
import { lastValueFrom } from 'rxjs'
import { makeResult, type PeerTask } from '../chat.contract.js'
import { readPeerSettings, type PeerSettings } from '../peer.settings.js'
import { StockModel } from './stock.model.js'
import { ANSWER_POOL, PEER_SETTINGS, RESULT_CLIENT } from './stock.tokens.js'

const INSERT = `INSERT INTO bench_result (task_id, answer, model, finish_reason, prompt_tokens, completion_tokens) VALUES ($1, $2, $3, $4, $5, $6)`

/** One task a call: ask the model, keep the answer, send the result. */
@Controller()
export class StockController {
  constructor(
    private readonly model: StockModel,
    @Inject(PEER_SETTINGS) private readonly settings: PeerSettings,
    @Inject(ANSWER_POOL) private readonly pool: Pool,
    @Inject(RESULT_CLIENT) private readonly results: ClientKafka,
  ) {}

  @EventPattern<string>(readPeerSettings(process.env).tasksTopic)
  async run(@Payload() task: PeerTask, @Ctx() context: KafkaContext): Promise<void> {
    const answer = await this.model.ask(task)
    const { text, model, finishReason, promptTokens, completionTokens } = answer
    await this.pool.query(INSERT, [task.task_id, text, model, finishReason, promptTokens, completionTokens])
    const key = context.getMessage().key?.toString()
    await lastValueFrom(this.results.emit(this.settings.resultsTopic, { key, value: JSON.stringify(makeResult(task, answer)) }))
  }
}
