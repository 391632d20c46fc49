import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { unpackSwiftShader } from './swiftshader.js';

const PROBE = fileURLToPath(new URL('./probe-adapter.js', import.meta.url));
const LAVAPIPE = ['/usr/share/vulkan/icd.d/lvp_icd.json', '/usr/share/vulkan/icd.d/lvp_icd.x86_64.json'];
const KINDS = ['hardware', 'lavapipe', 'swiftshader'];

/** The adapter that Dawn finds with these variables: `{ description, isSoftware, lacks }`, or null. A child process, for a driver that Dawn dislikes may abort it. */
export function probeAdapter(variables) {
  const child = spawnSync(process.execPath, [PROBE], {
    env: { ...process.env, ...variables },
    encoding: 'utf8',
    timeout: 60_000,
  });
  const line = child.stdout?.trim().split('\n').pop();
  if (child.status !== 0 || !line) return null;
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}

function kindOf(adapter) {
  if (!adapter.isSoftware) return 'hardware';
  return /swiftshader/i.test(adapter.description) ? 'swiftshader' : 'lavapipe';
}

/** Variables to try, best first: the driver the machine is set up with, lavapipe by name, SwiftShader from npm. */
function* candidates() {
  const runtime = { XDG_RUNTIME_DIR: process.env.XDG_RUNTIME_DIR ?? tmpdir() };
  yield runtime;
  for (const file of LAVAPIPE) {
    if (existsSync(file)) yield { ...runtime, VK_DRIVER_FILES: file, VK_ICD_FILENAMES: file };
  }
  if (process.platform !== 'linux' || process.arch !== 'x64') return;
  const folder = unpackSwiftShader();
  const driver = join(folder, 'vk_swiftshader_icd.json');
  const libraries = [folder, process.env.LD_LIBRARY_PATH].filter(Boolean).join(delimiter);
  yield { ...runtime, VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, LD_LIBRARY_PATH: libraries };
}

/**
 * Environment variables that give a child process a WebGPU adapter: a GPU's own driver, else lavapipe 25 or newer
 * (Dawn refuses Debian 12's own 22.3), else SwiftShader from npm. Each is checked by requesting an adapter.
 * `MODA_VULKAN=hardware|lavapipe|swiftshader` in the environment asks for one of them.
 *
 * @returns {Record<string, string>} `XDG_RUNTIME_DIR`, `MODA_VULKAN`, `MODA_ADAPTER_LACKS` (what tests may need and the
 *   adapter does not have, as `f16`) and, where needed, `VK_DRIVER_FILES`, `VK_ICD_FILENAMES`, `LD_LIBRARY_PATH`
 * @throws {Error} when no driver gives an adapter
 */
export function softwareVulkanEnvironment() {
  const wanted = process.env.MODA_VULKAN;
  if (wanted !== undefined && !KINDS.includes(wanted)) {
    throw new Error(
      `software-vulkan: MODA_VULKAN must be one of ${KINDS.join(', ')}, got ${wanted}. Unset it to let this choose.`,
    );
  }
  const seen = [];
  for (const variables of candidates()) {
    const adapter = probeAdapter(variables);
    if (adapter === null) continue;
    const kind = kindOf(adapter);
    if (wanted === undefined || wanted === kind)
      return { ...variables, MODA_VULKAN: kind, MODA_ADAPTER_LACKS: adapter.lacks.join(',') };
    seen.push(kind);
  }
  throw new Error(
    `software-vulkan: Dawn must find a Vulkan adapter${wanted ? ` of kind ${wanted}` : ''}, got ${seen.join(', ') || 'none'}. ` +
      'Install Mesa 25 or newer (mesa-vulkan-drivers), or run on Linux x64 for the bundled SwiftShader.',
  );
}
