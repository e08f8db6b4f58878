export { MinioFileStore } from './minio-file-store.js'
export { StorageModule } from './storage.module.js'
export { storageSettings, type StorageSettings } from './storage.settings.js'
