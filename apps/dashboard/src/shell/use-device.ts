import { useEffect, useState } from 'preact/hooks';
import { type DetectedDevice, detectDevice } from './detect-device.ts';

/** What computes in this browser; null until it is known. */
export function useDevice(): DetectedDevice | null {
  const [device, setDevice] = useState<DetectedDevice | null>(null);
  useEffect(() => {
    let isShown = true;
    void detectDevice().then((found) => isShown && setDevice(found));
    return () => {
      isShown = false;
    };
  }, []);
  return device;
}
