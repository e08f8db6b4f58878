// Nest's injector reads the metadata that this import makes possible.
import 'reflect-metadata'
