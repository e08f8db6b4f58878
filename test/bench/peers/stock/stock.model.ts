import { Inject, Injectable } from '@nestjs/common'
import { Pool } from 'undici'
import { makeChatBody, makeChatHeaders, readAnswer, type PeerAnswer, type PeerTask } from '../chat.contract.js'
import type { PeerSettings } from '../peer.settings.js'
import { PEER_SETTINGS } from './stock.tokens.js'

/** The model over connections that are kept. */
@Injectable()
export class StockModel {
  private readonly pool: Pool
  private readonly headers: Record<string, string>

  constructor(@Inject(PEER_SETTINGS) private readonly settings: PeerSettings) {
    this.pool = new Pool(settings.model.origin)
    this.headers = makeChatHeaders(settings.model)
  }

  async ask(task: PeerTask): Promise<PeerAnswer> {
    const { model } = this.settings
    const { statusCode, body } = await this.pool.request({
      method: 'POST',
      path: model.path,
      headers: this.headers,
      body: makeChatBody(task, model.name),
    })
    const text = await body.text()
    if (statusCode !== 200) throw new Error(`the model answered ${statusCode}: ${text.slice(0, 200)}`)
    return readAnswer(text)
  }
}
