import { unpackArchives } from './chromium-archives.js';

/**
 * Unpacks SwiftShader, the software Vulkan driver of Chromium, and its Vulkan loader.
 *
 * @returns {string} folder with `vk_swiftshader_icd.json`, `libvk_swiftshader.so` and `libvulkan.so.1`
 */
export function unpackSwiftShader() {
  return unpackArchives('swiftshader', ['swiftshader.tar.br']);
}
