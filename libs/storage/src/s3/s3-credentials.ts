import { Inject, Injectable } from '@nestjs/common'
import { storageSettings, type StorageSettings } from '../storage.settings.js'

export interface S3KeyPair {
  readonly accessKey: string
  readonly secretKey: string
}

/** The keys in use. They are read again, from their files, when the server refuses them: so a rotation needs no restart. */
@Injectable()
export class S3Credentials {
  private keys: S3KeyPair

  constructor(
    @Inject(storageSettings.KEY) settings: StorageSettings,
    private readonly read: () => S3KeyPair = () => storageSettings.parse(process.env),
  ) {
    this.keys = settings
  }

  get current(): S3KeyPair {
    return this.keys
  }

  /** Whether there are other keys now than the ones that were refused. Settings that cannot be read leave the old ones. */
  reload(refused: S3KeyPair): boolean {
    try {
      const { accessKey, secretKey } = this.read()
      this.keys = { accessKey, secretKey }
    } catch {
      return false
    }
    return this.keys.accessKey !== refused.accessKey || this.keys.secretKey !== refused.secretKey
  }
}
