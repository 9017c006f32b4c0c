/** All scenarios of the simulation, by theme. */

import { CALL_SCENARIOS } from "./call_scenarios.ts";
import { JOIN_SCENARIOS } from "./join_scenarios.ts";
import { LARGE_SCENARIOS } from "./large_scenarios.ts";
import { NAME_SCENARIOS } from "./name_scenarios.ts";
import { NETWORK_SCENARIOS } from "./network_scenarios.ts";
import { PAUSE_SCENARIOS } from "./pause_scenarios.ts";
import type { Scenario } from "./scenario.ts";
import { UPGRADE_SCENARIOS } from "./upgrade_scenarios.ts";

export const SCENARIOS: readonly Scenario[] = [
  ...NETWORK_SCENARIOS,
  ...PAUSE_SCENARIOS,
  ...JOIN_SCENARIOS,
  ...UPGRADE_SCENARIOS,
  ...NAME_SCENARIOS,
  ...CALL_SCENARIOS,
  ...LARGE_SCENARIOS,
];
