export { type DownloadOptions, downloadModel } from './download-model.ts';
export { type OpenedFile, openFileSource } from './file-source.ts';
export { type CachedHubFiles, type HubCacheOptions, openHubCache } from './hub-cache.ts';
export { openModelFolder, saveModelFolder } from './model-folder.ts';
