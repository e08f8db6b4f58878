/** Any S3 endpoint. */
export interface S3Address {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
}

/** GigaChat or its stand-in. */
export interface GigachatAddress {
  readonly baseUrl: string
  readonly authUrl: string
  /** Base64 of `client_id:client_secret`. */
  readonly credentials: string
  /** Of the simulator; empty where a real GigaChat is behind the address. */
  readonly controlUrl?: string
}

/** Where each part of a stack is reached. A part that the stack does not have has no address. */
export interface StackAddresses {
  readonly postgres?: string
  readonly kafka?: readonly string[]
  readonly minio?: S3Address
  readonly simulator?: GigachatAddress
}
