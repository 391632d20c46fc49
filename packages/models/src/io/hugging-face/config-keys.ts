/**
 * Keys of a `config.json` that do not change what a decoder computes: bookkeeping, training-time dropout, defaults of
 * generation, and heads of other tasks. A key that is in no list is refused by name (`CheckedConfig.finish`).
 */
export const harmlessKeys: ReadonlySet<string> = new Set([
  // Bookkeeping.
  ...['architectures', 'model_type', '_name_or_path', 'name_or_path', 'transformers_version', 'torch_dtype', 'dtype'],
  ...['_commit_hash', '_attn_implementation', '_attn_implementation_autoset', 'attn_implementation', 'tokenizer_class'],
  ...['finetuning_task', 'task_specific_params', 'problem_type', 'torchscript', 'use_bfloat16', 'tf_legacy_loss'],
  ...['unsloth_fixed', 'unsloth_version', 'mlx_version', 'use_flash_attn', 'flash_attn', 'prefix'],
  // Special tokens: the tokenizer and the generation read them.
  ...['bos_token_id', 'eos_token_id', 'pad_token_id', 'sep_token_id', 'cls_token_id', 'unk_token_id', 'mask_token_id'],
  ...['decoder_start_token_id', 'forced_bos_token_id', 'forced_eos_token_id'],
  // Training: initialisation, dropout, memory.
  ...['initializer_range', 'attention_dropout', 'attn_pdrop', 'resid_pdrop', 'embd_pdrop', 'hidden_dropout'],
  ...['hidden_dropout_prob', 'attention_probs_dropout_prob', 'embedding_dropout', 'classifier_dropout', 'dropout'],
  ...['gradient_checkpointing', 'router_aux_loss_coef'],
  // How transformers runs a model, not what it computes; pretraining_tp and reorder_and_upcast_attn change rounding only.
  ...['use_cache', 'output_attentions', 'output_hidden_states', 'return_dict', 'return_dict_in_generate'],
  ...['output_scores', 'chunk_size_feed_forward', 'pretraining_tp', 'reorder_and_upcast_attn'],
  // Heads of other tasks.
  ...['id2label', 'label2id', 'num_labels', 'summary_activation', 'summary_first_dropout', 'summary_proj_to_labels'],
  ...['summary_type', 'summary_use_proj', 'cross_attention_hidden_size', 'tie_encoder_decoder'],
  // Defaults of generation.
  ...['max_length', 'min_length', 'max_new_tokens', 'do_sample', 'early_stopping', 'num_beams', 'num_beam_groups'],
  ...['diversity_penalty', 'temperature', 'top_k', 'top_p', 'typical_p', 'repetition_penalty', 'length_penalty'],
  ...[
    'cache_implementation',
    'no_repeat_ngram_size',
    'encoder_no_repeat_ngram_size',
    'bad_words_ids',
    'num_return_sequences',
  ],
  ...['remove_invalid_values', 'exponential_decay_length_penalty', 'suppress_tokens', 'begin_suppress_tokens'],
]);
