import { websocket } from "../../transports/websocket.ts";
import { transportContract } from "./transport_contract.ts";

transportContract("websocket", websocket);
